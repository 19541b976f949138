using OpenCloud.Build.Client.Caches;

namespace OpenCloud.Build.Builds;

/// <summary>The totals of a listing. It counts the rows that a table has shown, because PowerShell's views have no footer.</summary>
/// <remarks>
/// The view calls <see cref="BeginTable"/> at the beginning of a table and <see cref="NextRow"/> for each row, and so writes the totals below the
/// last row, whatever the order. A table of only some rows never reaches the last one, and so shows no totals.
/// </remarks>
public sealed record ListedCacheTotals : BuildCacheTotals
{
    private int _shown;

    internal ListedCacheTotals(BuildCacheTotals totals)
        : base(totals)
    {
    }

    /// <summary>Called at the beginning of a table.</summary>
    public void BeginTable() => _shown = 0;

    /// <summary>Called for each row.</summary>
    /// <returns>True for the last row of the listing.</returns>
    public bool NextRow() => ++_shown == Count;

    /// <summary>Whether the current row is the last of the listing.</summary>
    public bool IsAtEnd() => _shown == Count;

    /// <inheritdoc/>
    public bool Equals(ListedCacheTotals? other) => other is not null && base.Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => base.GetHashCode();
}
