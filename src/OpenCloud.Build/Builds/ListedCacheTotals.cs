using OpenCloud.Build.Client.Caches;

namespace OpenCloud.Build.Builds;

/// <summary>The sums of a listing, which know how many of its rows a table has shown: PowerShell's views have no footer of their own.</summary>
/// <remarks>
/// Its view calls <see cref="BeginTable"/> as it begins a table and <see cref="NextRow"/> for each row, and so writes the sums beneath the last one,
/// in whatever order the rows come. A table of some of the rows never comes to the last, and has no sums that would not be its own.
/// </remarks>
public sealed record ListedCacheTotals : BuildCacheTotals
{
    private int _shown;

    internal ListedCacheTotals(BuildCacheTotals totals)
        : base(totals)
    {
    }

    /// <summary>A table begins.</summary>
    public void BeginTable() => _shown = 0;

    /// <summary>A row is shown.</summary>
    /// <returns>Whether it is the last of the listing.</returns>
    public bool NextRow() => ++_shown == Count;

    /// <summary>Whether the row being shown is the last of the listing.</summary>
    public bool IsAtEnd() => _shown == Count;

    /// <inheritdoc/>
    public bool Equals(ListedCacheTotals? other) => other is not null && base.Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => base.GetHashCode();
}
