using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Clears an engine's build cache.</summary>
[Cmdlet(VerbsCommon.Clear, "BuildCache", SupportsShouldProcess = true)]
[OutputType(typeof(BuildCacheRecord))]
public sealed class ClearBuildCacheCommand : EngineCmdlet
{
    private readonly Dictionary<string, List<string>> _named = [];

    /// <summary>The ids of records, with what <c>Get-BuildCache</c> gives from the pipeline.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidatePattern("^[0-9A-Za-z_.:-]+$")]
    public string[]? Id { get; set; }

    /// <summary>Clears internal records, frontends and what images share, too.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <summary>The types of records.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(BuildCacheTypeCompleter))]
    public string[]? Type { get; set; }

    /// <summary>Only what no build has used for so long.</summary>
    [Parameter]
    [Alias("KeepDuration")]
    [DurationTransform]
    public TimeSpan OlderThan { get; set; }

    /// <summary>The bytes that stay.</summary>
    [Parameter]
    [Alias("ReservedSpace")]
    [ValidateRange(0, long.MaxValue)]
    public long KeepStorage { get; set; }

    /// <summary>The bytes to clear down to.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long MaxUsedSpace { get; set; }

    /// <summary>The bytes that shall be free on the engine's disk.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long MinFreeSpace { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Id is null)
        {
            Clear(Address, []);
            return;
        }

        // One request for all records of an engine: a record with dependents is removed only with them.
        string key = Address ?? "";
        if (!_named.TryGetValue(key, out List<string>? ids))
        {
            _named[key] = ids = [];
        }

        ids.AddRange(Id);
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        foreach ((string address, List<string> ids) in _named)
        {
            Clear(address.Length == 0 ? null : address, [.. ids.Distinct(StringComparer.Ordinal)]);
        }
    }

    private void Clear(string? engineAddress, IReadOnlyList<string> ids)
    {
        IDictionary<string, object> bound = MyInvocation.BoundParameters;
        BuildCachePrune prune = new()
        {
            All = All,
            Ids = ids,
            Types = Type ?? [],
            OlderThan = bound.ContainsKey(nameof(OlderThan)) ? OlderThan : null,
            KeepStorage = bound.ContainsKey(nameof(KeepStorage)) ? KeepStorage : null,
            MaxUsedSpace = bound.ContainsKey(nameof(MaxUsedSpace)) ? MaxUsedSpace : null,
            MinFreeSpace = bound.ContainsKey(nameof(MinFreeSpace)) ? MinFreeSpace : null,
        };
        OnEngine(engineAddress, async (engine, poster, cancellationToken) =>
        {
            if (prune.OlderThan is { } age && age <= TimeSpan.Zero)
            {
                throw ErrorCatalog.InvalidDuration.ToException(age, null, nameof(OlderThan));
            }

            foreach (string type in prune.Types)
            {
                BuildCacheTypeCompleter.Check(type);
            }

            string address = engine.Address.ToString();
            bool? knows = null;
            if (prune.HasSpaceLimits)
            {
                knows = await engine.KnowsSpaceLimitsAsync(cancellationToken).ConfigureAwait(false);
                poster.Verbose(knows switch
                {
                    true => $"{address} supports the cache limits of BuildKit 0.17 and later.",
                    false => $"{address} is older than BuildKit 0.17: it supports only the storage to keep as a limit.",
                    _ => $"{address} does not report its version: the limits are sent in a form that old and new engines support.",
                });
            }

            try
            {
                prune.Check(knows);
            }
            catch (NotSupportedException exception)
            {
                throw ErrorCatalog.CacheLimitNotSupported.ToException(address, exception, exception.Message);
            }

            if (!await poster.InvokeAsync(() => ShouldProcess(address, ids.Count == 0 ? "Clear the build cache" : $"Clear {ids.Count} records of the build cache")).ConfigureAwait(false))
            {
                return;
            }

            long freed = 0;
            await foreach (BuildCacheRecord record in engine.PruneCacheAsync(prune, knows, cancellationToken).ConfigureAwait(false))
            {
                freed += record.Size;
                poster.Output(record);
            }

            poster.Verbose($"{freed} bytes were freed.");
        });
    }
}
