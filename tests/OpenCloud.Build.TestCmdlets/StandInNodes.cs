using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Management.Automation;
using System.Text;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Nodes;
using OpenCloud.Build.Pipeline;

namespace OpenCloud.Build.TestCmdlets;

/// <summary>Makes Invoke-ImageBuild choose among nodes that do not exist: each build gives what its node would have got.</summary>
[Cmdlet(VerbsOther.Use, "StandInNode")]
public sealed class UseStandInNodeCommand : PSCmdlet
{
    private static Func<IImageBuilder>? _real;

    /// <summary>What the workers report, by address; linux/amd64 for the others.</summary>
    [Parameter]
    public System.Collections.Hashtable Worker { get; set; } = [];

    /// <summary>Nodes that cannot be reached.</summary>
    [Parameter]
    public string[] Gone { get; set; } = [];

    /// <summary>How many builds each node loses, or the name of the one that it loses.</summary>
    [Parameter]
    public System.Collections.Hashtable Losing { get; set; } = [];

    /// <summary>Nodes whose builds fail.</summary>
    [Parameter]
    public string[] Failing { get; set; } = [];

    /// <summary>Nodes whose builds end when they are cancelled; with a name after the address, only this build. Before it has begun, none is lost.</summary>
    [Parameter]
    public string[] Endless { get; set; } = [];

    [Parameter]
    public SwitchParameter Restore { get; set; }

    protected override void ProcessRecord()
    {
        _real ??= ImageBuilders.Create;
        Func<IImageBuilder> standIn = () => new NodeImageBuilder(new StandIn(this));
        ImageBuilders.Create = Restore ? _real : standIn;
    }

    private sealed class StandIn(UseStandInNodeCommand told) : IEngineBuilder
    {
        private readonly ConcurrentDictionary<string, int> _lost = new(StringComparer.Ordinal);
        private readonly TaskCompletionSource _isEndless = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<(bool IsOfFirstPlace, IReadOnlyList<string> Platforms)> ConnectAsync(EngineAddress? address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken cancellationToken)
        {
            CheckThere(address);
            string[] platforms = address is not null && told.Worker[address.ToString()] is object given ? LanguagePrimitives.ConvertTo<string[]>(given) : ["linux/amd64"];
            return Task.FromResult((address is not null, (IReadOnlyList<string>)platforms));
        }

        public Task<int> CountRunningAsync(EngineAddress address, EngineConnectOptions options, IPipelinePoster poster, CancellationToken limit, CancellationToken cancellationToken)
        {
            CheckThere(address);
            return Task.FromResult(0);
        }

        public async Task<ImageBuildResult> BuildAsync(CheckedBuild build, IPipelinePoster poster, CancellationToken cancellationToken)
        {
            CheckThere(build.Address);
            string node = build.Address?.ToString() ?? "the engine of this machine";
            bool isLost = told.Losing[node] is string name ? name == build.Target : told.Losing[node] is int times && _lost.AddOrUpdate(node, 1, static (_, n) => n + 1) <= times;
            bool isEndless = told.Endless.Contains(node) || told.Endless.Contains($"{node} {build.Target}");
            string what = isLost ? "lost" : told.Failing.Contains(node) ? "failed" : "built";
            if (isEndless)
            {
                _isEndless.TrySetResult();
                try
                {
                    await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    what = "cancelled";
                    Report();
                    throw;
                }
            }

            if (isLost && told.Endless.Length > 0)
            {
                await _isEndless.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            Report();
            if (what != "built")
            {
                throw BuildErrors.From(
                    new ImageBuildException(isLost ? BuildFailureKind.EngineLost : BuildFailureKind.StepFailed, isLost ? "The connection was lost." : "The step failed.", null) { Address = node, Ref = "r" }, build);
            }

            foreach (BuildOutput output in build.Request.Outputs.Where(static o => o.Type == BuildOutput.Oci))
            {
                WriteArchive(output.Destination!, Platform.Parse(build.Request.Platforms.FirstOrDefault() ?? "linux/amd64"));
            }

            return new ImageBuildResult { References = build.Request.Tags, Path = build.Request.ContextPath, Address = node };

            void Report()
            {
                PSObject seen = new();
                seen.Properties.Add(new PSNoteProperty("Node", node));
                seen.Properties.Add(new PSNoteProperty("What", what));
                seen.Properties.Add(new PSNoteProperty("Name", build.Target));
                seen.Properties.Add(new PSNoteProperty("Outputs", string.Join(' ', build.Request.Outputs.Select(static o => o.Type))));
                seen.Properties.Add(new PSNoteProperty("Platforms", string.Join(' ', build.Request.Platforms)));
                seen.Properties.Add(new PSNoteProperty("CacheTo", Text(build.Request.CacheTo)));
                seen.Properties.Add(new PSNoteProperty("CacheFrom", Text(build.Request.CacheFrom)));
                seen.Properties.Add(new PSNoteProperty("SetCacheTo", Text([.. (build.Set ?? new Dictionary<string, ImageBuildRequest>()).Values.SelectMany(static r => r.CacheTo)])));
                poster.Output(seen);
            }
        }

        public ValueTask LeaveAsync(IReadOnlyDictionary<string, ImageBuildRequest> set) => ValueTask.CompletedTask;

        public ValueTask DisconnectAsync() => ValueTask.CompletedTask;

        public void Dispose()
        {
        }

        private static string[] Text(IReadOnlyList<BuildCache> caches) =>
            [.. caches.Select(static c => $"{c.Type} {string.Join(' ', c.Attributes.OrderBy(static a => a.Key, StringComparer.Ordinal).Select(static a => $"{a.Key}={a.Value}"))}")];

        private void CheckThere(EngineAddress? address)
        {
            if (address is not null && told.Gone.Contains(address.ToString()))
            {
                throw EngineErrors.From(new EngineConnectException(EngineConnectReason.NotFound, address, $"{address}: the socket does not exist."));
            }
        }

        private static void WriteArchive(string path, Platform platform)
        {
            using TarWriter tar = new(File.Create(path));
            string config = Blob(tar, "application/vnd.oci.image.config.v1+json", $$$"""{"os":"{{{platform.OperatingSystem}}}","architecture":"{{{platform.Architecture}}}","config":{},"rootfs":{"type":"layers","diff_ids":[]}}""");
            string manifest = Blob(tar, "application/vnd.oci.image.manifest.v1+json", $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{config}},"layers":[]}""");
            Entry(tar, "index.json", $$"""{"schemaVersion":2,"manifests":[{{manifest}}]}""");
            Entry(tar, "oci-layout", """{"imageLayoutVersion":"1.0.0"}""");
        }

        private static string Blob(TarWriter tar, string mediaType, string json)
        {
            ContentDigest digest = ContentDigest.Of(Encoding.UTF8.GetBytes(json));
            Entry(tar, $"blobs/{digest.ToString().Replace(':', '/')}", json);
            return $$"""{"mediaType":"{{mediaType}}","digest":"{{digest}}","size":{{json.Length}}}""";
        }

        private static void Entry(TarWriter tar, string name, string json) =>
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(json)) });
    }
}
