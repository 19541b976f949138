using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Caches;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Outputs;
using OpenCloud.Build.Client.Protocol.Auth;
using OpenCloud.Build.Client.Protocol.Control;
using OpenCloud.Build.Client.Protocol.Secrets;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Builds;

/// <summary>
/// What a build has on its session beside its inputs: the places of its outputs, its caches, secrets, SSH agents and registries. Everything
/// that can be refused is refused when it is made; only after <see cref="Commit"/> anything of a file output is there.
/// </summary>
internal sealed class BuildAttachments : IDisposable
{
    private const string ExportStore = "export";

    private readonly ImageBuildRequest _build;
    private readonly ContentStoreService _stores;
    private readonly FileSendService _files = new();
    private readonly List<IOutputTarget> _targets = [];
    private (string Directory, LayoutContentStore Store)? _layout;
    private SecretsService? _secrets;
    private SshService? _ssh;
    private AuthService? _auth;
    private CachePlan? _caches;

    private BuildAttachments(ImageBuildRequest build, ContentStoreService stores)
    {
        _build = build;
        _stores = stores;
    }

    /// <summary>The exporters.</summary>
    public IReadOnlyList<PlannedOutput> Outputs { get; private set; } = [];

    /// <summary>What the user should know.</summary>
    public IReadOnlyList<string> Warnings => _caches?.Warnings ?? [];

    /// <summary>The first failure on this side, with words of its own for the user; null when there was none.</summary>
    public Exception? Failure => _files.Failure ?? _stores.Failure ?? _auth?.Failure;

    /// <summary>Names the registries whose credentials were not given, when a build failed that might have needed them; null when there are none.</summary>
    public string? ExplainWithheld(ImageBuildException failure)
    {
        IReadOnlyCollection<string> hosts = _auth?.Withheld ?? [];
        bool isAboutRegistries = failure.Kind is BuildFailureKind.BaseImageUnavailable or BuildFailureKind.FrontendUnavailable
            or BuildFailureKind.ScannerUnavailable or BuildFailureKind.PushFailed or BuildFailureKind.CacheExportFailed or BuildFailureKind.Other;
        return hosts.Count == 0 || !isAboutRegistries
            ? null
            : $"The credentials for {string.Join(", ", hosts.Select(static h => $"'{h}'"))} in docker's configuration were not given to the engine, since the build names no image there; -RegistryHost allows it.";
    }
    /// <summary>Why an output has not come whole; null when all did. Daemons may call a build a success all the same.</summary>
    public Exception? OutputFailure => _files.Failure;

    /// <summary>Checks and opens everything.</summary>
    /// <param name="build">The build.</param>
    /// <param name="dockerfile">Its Dockerfile, where it is a file of this machine.</param>
    /// <param name="engine">The engine it goes to.</param>
    /// <param name="stores">The content stores of the session, to which those of caches and outputs are added.</param>
    /// <param name="cancellationToken">Ends the waiting for a secret that comes from a pipe.</param>
    /// <exception cref="ImageBuildException">Something cannot be; nothing was sent and nothing is left behind.</exception>
    public static BuildAttachments Create(
        ImageBuildRequest build, DockerfileContent? dockerfile, EngineProfile engine, ContentStoreService stores, CancellationToken cancellationToken)
    {
        BuildAttachments attachments = new(build, stores) { Outputs = OutputPlan.Create(build, engine) };
        try
        {
            attachments._secrets = new SecretsService(build.Secrets, cancellationToken);
            attachments._caches = CachePlan.Create(build, engine, stores);
            attachments._auth = new AuthService(
                RegistryHosts.Of(build, dockerfile), build.RegistryCredentials, build.DockerConfigDirectory ?? DockerConfigFile.DefaultDirectory);
            attachments._ssh = new SshService(build.Ssh);
            attachments.OpenTargets();
            return attachments;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            attachments.Dispose();
            throw new ImageBuildException(BuildFailureKind.InvalidRequest, e.Message, e) { Engine = engine.Address.ToString(), BuildRef = string.Empty };
        }
        catch
        {
            attachments.Dispose();
            throw;
        }
    }

    /// <summary>Binds the services to the session's server.</summary>
    public void BindTo(GrpcServer server)
    {
        _files.BindTo(server);
        _stores.BindTo(server);
        Secrets.BindService(server, _secrets);
        _ssh!.BindTo(server);
        Auth.BindService(server, _auth);
    }

    /// <summary>Puts caches into a request that has its exporters.</summary>
    public void Apply(SolveRequest request) => _caches!.Apply(request);

    /// <summary>After a build that succeeded: files get their names, and indexes of layouts and caches lead to what was written.</summary>
    /// <exception cref="IOException">A place could not be written to.</exception>
    public void Commit(IReadOnlyDictionary<string, string> response)
    {
        if (OutputFailure is { } failure)
        {
            throw new IOException(failure.Message, failure);
        }

        foreach (IOutputTarget target in _targets)
        {
            target.Commit();
        }

        if (_layout is { } layout)
        {
            CommitLayout(layout.Directory, layout.Store, response);
        }

        _caches!.Commit(response);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IOutputTarget target in _targets)
        {
            target.Dispose();
        }

        _secrets?.Dispose();
        _ssh?.Dispose();
    }

    private void OpenTargets()
    {
        for (int i = 0; i < Outputs.Count; i++)
        {
            PlannedOutput output = Outputs[i];
            string? place = output.Output?.Destination;
            IOutputTarget? target = null;
            if (output.IsFile)
            {
                target = FileTarget.Open(place!, _build.Limits);
            }
            else if (output.IsDirectory)
            {
                target = new DirectoryTarget(place!, output.Attributes.GetValueOrDefault("mode") == "delete", _build.Limits, _build.ConfirmDelete, OutputPlan.IsTrue(output.Attributes, PlannedOutput.KeepAttributes));
            }
            else if (output.IsLayout)
            {
                OpenLayout(Path.GetFullPath(place!));
            }

            if (target is not null)
            {
                _targets.Add(target);
                _files.Add(i, target);
            }
        }
    }

    private void OpenLayout(string directory)
    {
        if (File.Exists(directory))
        {
            throw new IOException($"'{directory}' is a file, and with tar=false an OCI layout needs a directory.");
        }

        LayoutContentStore store = LayoutContentStore.OpenWrite(directory, _build.Limits.MaxTotalBytes);
        _stores.Add(ExportStore, store);
        _layout = (directory, store);
    }

    private void CommitLayout(string directory, LayoutContentStore store, IReadOnlyDictionary<string, string> response)
    {
        JsonObject? descriptor = null;
        if (response.GetValueOrDefault("containerimage.descriptor") is { } encoded)
        {
            descriptor = ReadDescriptor(encoded);
        }

        // The answers of several exporters are in one map, where the last to end has overwritten the others; only what came here counts.
        if (!ContentDigest.TryParse(JsonForm.Text(descriptor, "digest"), out ContentDigest digest) || store.GetLength(digest) is null)
        {
            descriptor = store.LastCommitted is { } last ? DescriptorOf(store, last) : null;
        }

        if (descriptor is null)
        {
            throw new IOException($"The engine ended the build without sending the output '{directory}'.");
        }

        IReadOnlyList<string> names = _build.References;
        new LayoutIndexFile(directory).Put(descriptor, names.Count > 0 ? names : [ImageReference.DefaultTag]);
    }

    // The engine's; when it is none, what came last has been sent all the same.
    private static JsonObject? ReadDescriptor(string encoded)
    {
        try
        {
            return JsonForm.TryParseObject(Convert.FromBase64String(encoded));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>A manifest comes after all that it refers to, so that the last content is where an image starts.</summary>
    private static JsonObject DescriptorOf(LayoutContentStore store, ContentDigest digest)
    {
        // Whatever came last is read: a layer of gigabytes, too, if the engine sends one.
        long length = store.GetLength(digest) ?? 0;
        if (length > OciJson.MaxManifestBytes)
        {
            throw new IOException($"The last content that the engine sent into '{store.Location}' has {length} bytes, and so is no index and no manifest.");
        }

        byte[] bytes = new byte[length];
        using (Stream stream = store.Open(digest))
        {
            stream.ReadExactly(bytes);
        }

        JsonObject content = JsonForm.TryParseObject(bytes)
            ?? throw new IOException($"The last content that the engine sent into '{store.Location}' is no JSON, and so is no index and no manifest.");
        return new JsonObject
        {
            ["mediaType"] = JsonForm.Text(content, "mediaType"),
            ["digest"] = digest.ToString(),
            ["size"] = bytes.Length,
        };
    }
}
