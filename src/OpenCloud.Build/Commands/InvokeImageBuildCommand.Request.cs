using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Nodes;

namespace OpenCloud.Build.Commands;

/// <content>Creates the request from the parameters.</content>
public sealed partial class InvokeImageBuildCommand
{
    private const int MostRetries = 10;

    private CheckedBuild ReadBuild(string directory, string? file)
    {
        if (file is not null && Text(Dockerfile) is not null)
        {
            throw ErrorCatalog.ParameterConflict.ToException(file, null, nameof(InputObject), nameof(Dockerfile));
        }

        if (Daemonless && !string.IsNullOrEmpty(Address))
        {
            throw ErrorCatalog.ParameterConflict.ToException(Address, null, nameof(Daemonless), nameof(Address));
        }

        if (Retry is < 0 or > MostRetries)
        {
            throw ErrorCatalog.InvalidBuildOption.ToException(Retry, null, nameof(Retry), $"use a number from 0 to {MostRetries}.");
        }

        EngineConnectOptions connect = ConnectOptions;
        EngineAddress? address = EngineArguments.ParseAddress(Address);
        BuildKitEngine? engine = Daemonless ? null : EngineNodes.Find(address, connect);
        ImageBuildRequest asked = ReadRequest(directory, file ?? Text(Dockerfile));
        CheckedBuild build = new()
        {
            Request = EngineNodes.WithCaches(asked, engine),
            HasCacheFromOfEngine = asked.CacheFrom.Count == 0 && engine is { CacheFrom.Count: > 0 },
            HasCacheToOfEngine = asked.CacheTo.Count == 0 && engine is { CacheTo.Count: > 0 },
            Address = address,
            Engine = engine,
            Retries = Retry ?? 0,
            Connect = connect,
            LogPath = ReadFile(LogPath, ErrorCatalog.LogNotWritable),
            MetadataPath = ReadFile(MetadataFile, ErrorCatalog.ResultFileNotWritable),
            ImageIdPath = ReadFile(IidFile, ErrorCatalog.ResultFileNotWritable),
        };
        return build with { Request = RequestChecks.Complete(build.Request, file ?? (Text(Dockerfile) is { } named ? DirectoryArguments.ResolveLiteral(this, named) : null), StopToken) };
    }

    private ImageBuildRequest ReadRequest(string directory, string? dockerfile)
    {
        ExchangeArguments exchange = new(path => DirectoryArguments.ResolveLiteral(this, path));
        return new ImageBuildRequest
        {
            ContextPath = directory,
            StrictContext = StrictContext,
            DockerfilePath = dockerfile,
            DockerfileText = DockerfileText is null or [] or [""] ? null : string.Join('\n', DockerfileText),
            Tags = ImageArguments.Tags(Split(nameof(Tag), Tag)),
            BuildArguments = KeyValueArguments.Read(nameof(BuildArg), BuildArg, Environment.GetEnvironmentVariable),
            Labels = KeyValueArguments.Read(nameof(Label), Label, static _ => ""),

            // A link piped in as a file object has its own property Target, which names no stage.
            Target = _items is null || _onCommandLine.Contains(nameof(Target)) ? Text(Target) : null,
            Platforms = [.. PlatformArguments.Parse(Split(nameof(Platform), Platform)).Distinct().Select(static p => p.ToString())],
            NoCache = NoCache,
            Pull = Pull,
            NamedContexts = NamedContextArguments.Read(this, BuildContext),
            Annotations = ImageArguments.Annotations(Annotation),
            Attestations = ImageArguments.Attestations(WithoutEmptyCells(Attest), Provenance, Sbom),
            SourceDate = ImageArguments.SourceDate(SourceDateEpoch, RewriteTimestamp),
            Execution = new BuildExecution
            {
                NoCacheStages = Split(nameof(NoCacheFilter), NoCacheFilter),
                Network = Network,
                ExtraHosts = ExecutionArguments.Hosts(AddHost),
                SharedMemorySize = ExecutionArguments.SharedMemorySize(ShmSize),
                Limits = ExecutionArguments.Limits(Ulimit),
                ControlGroupParent = Text(CgroupParent),
                Entitlements = ExecutionArguments.Entitlements(Split(nameof(Allow), Allow)),
            },
            SourcePolicy = SourcePolicyArguments.Read(this, SourcePolicy, StopToken),
            Outputs = exchange.Outputs(WithoutEmptyCells(Output)),
            NeedsDigest = Text(MetadataFile) is not null || Text(IidFile) is not null,
            Push = Push,
            CacheFrom = exchange.Caches(nameof(CacheFrom), WithoutEmptyCells(CacheFrom)),
            CacheTo = exchange.Caches(nameof(CacheTo), WithoutEmptyCells(CacheTo)),
            Secrets = exchange.Secrets(Secret),
            Ssh = exchange.Ssh(WithoutEmptyCells(Ssh)),
            RegistryCredentials = ExchangeArguments.RegistryCredentials(RegistryCredential),
            RegistryHosts = Split(nameof(RegistryHost), RegistryHost),
            Timeout = Timeout is null || Timeout > TimeSpan.Zero ? Timeout : throw ErrorCatalog.InvalidDuration.ToException(Timeout, null, nameof(Timeout)),
            ConfirmDelete = ConfirmDelete,
        };
    }

    private static string? Text(string? cell) => string.IsNullOrEmpty(cell) ? null : cell;

    private static object[]? WithoutEmptyCells(object[]? values) => values is null ? null : [.. values.Where(static v => HostArguments.Unwrap(v) is not (null or ""))];

    private string? ReadFile(string? path, ErrorEntry error) => Text(path) is { } given ? ResultFiles.Check(DirectoryArguments.ResolveLiteral(this, given), error) : null;

    /// <summary>A CSV cell holds a list as one string; neither ';' nor ',' can occur in a reference or a platform.</summary>
    private IReadOnlyList<string> Split(string parameter, string[]? values)
    {
        if (values is null || _onCommandLine.Contains(parameter))
        {
            return values ?? [];
        }

        return [.. values.SelectMany(static v => v.Split([';', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
    }
}
