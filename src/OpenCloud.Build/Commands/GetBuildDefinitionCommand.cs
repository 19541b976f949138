using System.Collections;
using System.Management.Automation;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Builds;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Commands.Base;
using OpenCloud.Build.Completion;
using OpenCloud.Build.Definitions;
using OpenCloud.Build.Definitions.Model;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Commands;

/// <summary>Gets the builds that Compose files, bake files and data files define.</summary>
[Cmdlet(VerbsCommon.Get, "BuildDefinition")]
[OutputType(typeof(BuildDefinition))]
public sealed class GetBuildDefinitionCommand : EngineCmdlet
{
    private const string Cwd = "cwd://";

    private readonly List<DefinitionSource> _sources = [];
    private readonly List<string> _remoteNames = [];
    private string? _remote;
    private string? _directory;
    private bool _hasFailed;

    /// <summary>The files, or directories with files of the usual names.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LiteralPath", "LP", "FullName", "f")]
    [TextTransform("Path", "PSPath", "LiteralPath", "LP", "FullName", TakesFiles = true)]
    public string[]? Path { get; set; }

    /// <summary>Names or patterns of targets, groups and services.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DefinitionTargetCompleter))]
    public string[]? Target { get; set; }

    /// <summary>Values of variables.</summary>
    [Parameter]
    [Alias("Var")]
    [KeyValueTransform]
    [ArgumentCompleter(typeof(NoCompleter))]
    public IDictionary? Variable { get; set; }

    /// <summary>Changes of targets.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? Set { get; set; }

    /// <summary>Profiles of a Compose file.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string[]? Profile { get; set; }

    /// <summary>Files of variables.</summary>
    [Parameter]
    public string[]? EnvFile { get; set; }

    /// <summary>The name of the Compose project.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(NoCompleter))]
    public string? ProjectName { get; set; }

    /// <summary>Privileges granted to the definition.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(EntitlementCompleter))]
    public string[]? Allow { get; set; }

    /// <summary>Grants every privilege that the definition requests.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (string path in Path ?? ["."])
        {
            Try(path, () => AddSources(path));
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // Files change each other: without one of them the others are another definition.
        RemoteDefinition? remote = _remote is null || _hasFailed ? null : Fetch(_remote);
        if (!_hasFailed && (remote is not null || _sources.Count > 0))
        {
            Try(_remote ?? _sources[0].FullPath!, () => Read(remote));
        }
    }

    private RemoteDefinition? Fetch(string address)
    {
        RemoteDefinition? read = null;
        OnEngine(address, async (engine, poster, cancellationToken) => read = await RemoteDefinition.ReadAsync(engine, address, _remoteNames, cancellationToken).ConfigureAwait(false));
        _hasFailed |= read is null;
        return read;
    }

    private void AddSources(string path)
    {
        bool isLocal = path.StartsWith(Cwd, StringComparison.Ordinal);
        string file = isLocal ? path[Cwd.Length..] : path;
        if (!isLocal && ContextLocation.IsAddress(file))
        {
            _remote = _remote is null && _sources.Count == 0 ? file : throw ErrorCatalog.DefinitionAddressNotFirst.ToException(path, null, TerminalText.Name(ContextLocation.WithoutSecrets(path)));
            return;
        }

        if (!isLocal && _remote is not null)
        {
            _remoteNames.Add(file);
            return;
        }

        string full = DirectoryArguments.Resolve(this, file, isLiteral: true, static _ => true)[0];
        _directory ??= Directory.Exists(full) ? full : null;
        _sources.AddRange(DefinitionFiles.Read(full, file, StopToken));
    }

    private void Read(RemoteDefinition? remote)
    {
        string location = SessionState.Path.CurrentFileSystemLocation.ProviderPath;
        string directory = _directory ?? location;
        string[]? variables = EnvFile is null ? null : [.. EnvFile.Select(f => DirectoryArguments.ResolveLiteral(this, f))];
        DefinitionOptions options = new()
        {
            Origin = remote?.Origin,
            WorkingDirectory = directory,
            Targets = Target ?? [],
            Variables = KeyValueArguments.Read(nameof(Variable), Variable, Environment.GetEnvironmentVariable),
            Overrides = Set ?? [],
            Profiles = Profile ?? [],
            EnvironmentFiles = variables,
            ProjectName = ProjectName,
            Environment = Environment.GetEnvironmentVariable,
            ReadFile = remote is null ? DefinitionFiles.TryRead : path => variables?.Contains(path) == true ? DefinitionFiles.TryRead(path) : RemoteDefinition.ReadNothing(path),
            LocalPlatform = DefinitionFiles.LocalPlatform,
            Warn = text => WriteWarning(TerminalText.Plain(text)),
        };
        bool yesToAll = Force;
        bool noToAll = false;
        foreach (BuildDefinition definition in BuildDefinitions.Read([.. remote?.Sources ?? [], .. _sources], options))
        {
            IReadOnlyList<string> missing = BuildDefinitions.FindMissing(definition, Allow ?? [], directory);
            if (missing.Count > 0 && !IsGranted(definition, missing, ref yesToAll, ref noToAll))
            {
                throw ErrorCatalog.DefinitionNotAllowed.ToException(definition, null, TerminalText.Name(definition.Name), string.Join("', '", missing.Select(static p => TerminalText.Name(p))));
            }

            foreach (string rest in definition.Remainder)
            {
                WriteWarning(TerminalText.Plain($"The definition of '{definition.Name}' has '{rest}', which Invoke-ImageBuild does not use."));
            }

            WriteObject(definition);
        }
    }

    private bool IsGranted(BuildDefinition definition, IReadOnlyList<string> missing, ref bool yesToAll, ref bool noToAll)
    {
        if (yesToAll || noToAll)
        {
            return yesToAll;
        }

        try
        {
            return ShouldContinue(
                $"The definition of '{TerminalText.Name(definition.Name)}' asks for these privileges: {string.Join(", ", missing.Select(static p => TerminalText.Name(p)))}. Grant them?",
                "Grant privileges",
                ref yesToAll,
                ref noToAll);
        }
        catch (Exception exception) when (exception is PSInvalidOperationException or System.Management.Automation.Host.HostException)
        {
            // No user can be asked.
            return false;
        }
    }

    /// <summary>Does a part of the work; where it has an error, the definition is incomplete.</summary>
    private void Try(string target, Action work)
    {
        bool isDone = false;
        Guard(target, () =>
        {
            work();
            isDone = true;
        });
        _hasFailed |= !isDone;
    }

    /// <inheritdoc/>
    private protected override ErrorRecord? ToRecord(Exception exception, object? target) => exception switch
    {
        DefinitionException definition => (definition.IsMissingTarget ? ErrorCatalog.DefinitionTargetNotFound : ErrorCatalog.InvalidDefinition).ToRecord(target, exception, exception.Message),
        (IOException and not EngineConnectException) or UnauthorizedAccessException => ErrorCatalog.InvalidDefinition.ToRecord(target, exception, exception.Message),
        _ => base.ToRecord(exception, target),
    };
}
