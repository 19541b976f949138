using System.Management.Automation;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;

namespace OpenCloud.Build.Commands;

/// <summary>Lists the records of an engine's build cache.</summary>
[Cmdlet(VerbsCommon.Get, "BuildCache")]
[OutputType(typeof(BuildCacheRecord))]
public sealed class GetBuildCacheCommand : EngineCmdlet
{
    /// <summary>The ids.</summary>
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BuildCacheIdCompleter))]
    public string[] Id { get; set; } = ["*"];

    /// <summary>The types of records.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(BuildCacheTypeCompleter))]
    public string[]? Type { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => OnEachNode(Address, async (engine, poster, cancellationToken) =>
    {
        IReadOnlyList<string> types = [.. (Type ?? []).Select(BuildCacheTypeCompleter.Check)];
        List<WildcardPattern> patterns = [.. Id.Select(static i => WildcardPattern.Get(i, WildcardOptions.CultureInvariant))];
        List<BuildCacheRecord> records =
        [
            .. (await engine.ListCacheAsync(types, cancellationToken).ConfigureAwait(false))
                .Where(r => patterns.Exists(p => p.IsMatch(r.Id)))
                .OrderByDescending(static r => r.Size),
        ];
        ListedCacheTotals totals = new(BuildCacheTotals.Of(records));
        foreach (BuildCacheRecord record in records)
        {
            poster.Output(record.WithTotals(totals));
        }
    });
}
