using System.Management.Automation;
using System.Management.Automation.Host;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Commands;

/// <summary>Clears an engine's build cache.</summary>
[Cmdlet(VerbsCommon.Clear, "BuildCache", SupportsShouldProcess = true)]
[OutputType(typeof(BuildCacheRecord))]
public sealed class ClearBuildCacheCommand : EngineCmdlet
{
    private readonly Dictionary<string, List<string>> _named = [];

    /// <summary>The ids of records; from the pipeline, the records of <c>Get-BuildCache</c>.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidatePattern("^[0-9A-Za-z_.:-]+$")]
    [ArgumentCompleter(typeof(BuildCacheIdCompleter))]
    public string[]? Id { get; set; }

    /// <summary>Also clears internal records, frontends and records that images share.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    /// <summary>The types of records.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(BuildCacheTypeCompleter))]
    public string[]? Type { get; set; }

    /// <summary>Clears only records that no build has used for this time.</summary>
    [Parameter]
    [Alias("KeepDuration")]
    [DurationTransform]
    [ArgumentCompleter(typeof(DurationCompleter))]
    public TimeSpan OlderThan { get; set; }

    /// <summary>The bytes to keep.</summary>
    [Parameter]
    [Alias("ReservedSpace")]
    [ValidateRange(0, long.MaxValue)]
    [ArgumentCompleter(typeof(SizeCompleter))]
    public long KeepStorage { get; set; }

    /// <summary>The bytes to clear down to.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    [ArgumentCompleter(typeof(SizeCompleter))]
    public long MaxUsedSpace { get; set; }

    /// <summary>The bytes to leave free on the engine's disk.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    [ArgumentCompleter(typeof(SizeCompleter))]
    public long MinFreeSpace { get; set; }

    /// <summary>Clears a whole cache without confirmation.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>The whole piped object.</summary>
    [Parameter(ValueFromPipeline = true, DontShow = true)]
    public PSObject? Record { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // An object with an address and no record's id would clear the whole cache of that engine.
        if (Record is not null && Record.BaseObject is not (BuildCacheRecord or BuildKitInfo) && (Record.BaseObject is not PSCustomObject || Id is null))
        {
            WriteError(ErrorCatalog.NotACacheRecord, Record.BaseObject, null, Record.BaseObject.GetType().Name);
            return;
        }

        // An empty list selects nothing, not everything.
        IDictionary<string, object> bound = MyInvocation.BoundParameters;
        if ((bound.ContainsKey(nameof(Id)) && Id is null or []) || (bound.ContainsKey(nameof(Type)) && Type is null or []))
        {
            WriteVerbose("The list of ids or types is empty: nothing is cleared.");
            return;
        }

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
        // After the last record, the parameter has the address of that one.
        Address = engineAddress;
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
        // Zero bytes to keep means no limit.
        bool hasLimit = prune.KeepStorage > 0 || prune.MaxUsedSpace is not null || prune.MinFreeSpace is not null;
        bool isWhole = ids.Count == 0 && prune.Types.Count == 0 && prune.OlderThan is null && !hasLimit;
        OnEachNode(engineAddress, async (engine, poster, cancellationToken) =>
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

            BuildCacheTotals totals = BuildCacheTotals.Of(await ListAsync(engine, prune, cancellationToken).ConfigureAwait(false));
            string action = $"Clear {(isWhole ? "the whole build cache, " : prune.HasSpaceLimits ? "at most " : string.Empty)}{totals.Count} records with {ByteText.Of(totals.Size)}";
            if (!await poster.InvokeAsync(() => ShouldProcess(address, action) && (!isWhole || Confirms(address, action))).ConfigureAwait(false))
            {
                return;
            }

            long freed = 0;
            await foreach (BuildCacheRecord record in engine.PruneCacheAsync(prune, knows, cancellationToken).ConfigureAwait(false))
            {
                freed += record.Size;
                poster.Output(record);
            }

            poster.Verbose($"{ByteText.Of(freed)} were freed.");
        });
    }

    /// <summary>The records that can be cleared: none in use, and none that only -All clears.</summary>
    private static async Task<IReadOnlyList<BuildCacheRecord>> ListAsync(BuildKitClient engine, BuildCachePrune prune, CancellationToken cancellationToken)
    {
        DateTimeOffset? oldest = prune.OlderThan is { } age ? DateTimeOffset.UtcNow - age : null;
        return
        [
            .. (await engine.ListCacheAsync(prune.Types, cancellationToken).ConfigureAwait(false)).Where(r => !r.InUse
                && (prune.Ids.Count == 0 ? prune.All || (!r.Shared && r.Type is not ("internal" or "frontend")) : prune.Ids.Contains(r.Id))
                && (oldest is null || (r.LastUsed ?? r.Created) < oldest)),
        ];
    }

    /// <summary>Asks before a whole cache is cleared, like a cmdlet of high impact; -Confirm has already asked.</summary>
    private bool Confirms(string address, string action)
    {
        if (Force || MyInvocation.BoundParameters.ContainsKey("Confirm") || GetVariableValue("ConfirmPreference")?.ToString() != nameof(ConfirmImpact.High))
        {
            return true;
        }

        try
        {
            return ShouldContinue($"{action} of {address}?", "Clear-BuildCache");
        }
        catch (Exception exception) when (exception is PSInvalidOperationException or HostException or NotSupportedException)
        {
            throw ErrorCatalog.ConfirmationNeeded.ToException(address, exception, $"'{action}' of {address}");
        }
    }
}
