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
/// What a build attaches to its session beside its inputs: outputs, caches, secrets, SSH agents and registry credentials. Creating it rejects
/// every invalid item; file outputs appear only after <see cref="Commit"/>.
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

    public IReadOnlyList<PlannedOutput> Outputs { get; private set; } = [];

    public IReadOnlyList<string> Warnings => _caches?.Warnings ?? [];

    /// <summary>The first local failure, with its own message for the user; null when there was none.</summary>
    public Exception? Failure => _files.Failure ?? _stores.Failure ?? _auth?.Failure;

    /// <summary>Names the registries whose credentials were withheld, when a failed build might have needed them; null otherwise.</summary>
    public string? ExplainWithheld(ImageBuildException failure)
    {
        IReadOnlyCollection<string> hosts = _auth?.Withheld ?? [];
        bool isAboutRegistries = failure.Kind is BuildFailureKind.BaseImageUnavailable or BuildFailureKind.FrontendUnavailable
            or BuildFailureKind.ScannerUnavailable or BuildFailureKind.PushFailed or BuildFailureKind.CacheExportFailed or BuildFailureKind.Other;
        return hosts.Count == 0 || !isAboutRegistries
            ? null
            : $"The credentials for {string.Join(", ", hosts.Select(static h => $"'{h}'"))} in the Docker configuration were not sent to the engine, because the build does not use an image from there. Use -RegistryHost to allow it.";
    }
    /// <summary>The reason why an output is incomplete; null when all are complete. Daemons may still report the build as successful.</summary>
    public Exception? OutputFailure => _files.Failure;

    /// <summary>Checks and opens everything.</summary>
    /// <exception cref="ImageBuildException">The request is invalid; nothing was sent and nothing is left behind.</exception>
    public static BuildAttachments Create(
        ImageBuildRequest build, DockerfileContent? dockerfile, EngineProfile engine, ContentStoreService stores, CancellationToken cancellationToken)
    {
        BuildAttachments attachments = new(build, stores) { Outputs = OutputPlan.Create(build, engine) };
        try
        {
            attachments._secrets = new SecretsService(build.Secrets, cancellationToken);
            attachments._caches = CachePlan.Create(build, engine, stores);
            attachments._auth = InputServices.CreateAuth(build, dockerfile);
            attachments._ssh = new SshService(build.Ssh);
            attachments.OpenTargets();
            return attachments;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            attachments.Dispose();
            throw new ImageBuildException(BuildFailureKind.InvalidRequest, e.Message, e) { Address = engine.Address.ToString(), Ref = string.Empty };
        }
        catch
        {
            attachments.Dispose();
            throw;
        }
    }

    public void BindTo(GrpcServer server)
    {
        _files.BindTo(server);
        _stores.BindTo(server);
        Secrets.BindService(server, _secrets);
        _ssh!.BindTo(server);
        Auth.BindService(server, _auth);
    }

    public void Apply(SolveRequest request) => _caches!.Apply(request);

    /// <summary>Runs after a successful build: files get their final names, and the indexes of layouts and caches refer to the new content.</summary>
    /// <exception cref="IOException">A destination cannot be written.</exception>
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
            throw new IOException($"'{directory}' is a file; an OCI layout with tar=false requires a directory.");
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

        // The results of several exporters are in one map, where the last exporter overwrites the others; only content that arrived here counts.
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

    // The engine's descriptor. When it is invalid, the last content received is used instead.
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

    /// <summary>A manifest follows all content that it refers to, so the last content received is the root of the image.</summary>
    private static JsonObject DescriptorOf(LayoutContentStore store, ContentDigest digest)
    {
        // The last content received may be anything, even a layer of gigabytes, so the size is checked first.
        long length = store.GetLength(digest) ?? 0;
        if (length > OciJson.MaxManifestBytes)
        {
            throw new IOException($"The last content that the engine sent into '{store.Location}' has {length} bytes and is therefore not an index or a manifest.");
        }

        byte[] bytes = new byte[length];
        using (Stream stream = store.Open(digest))
        {
            stream.ReadExactly(bytes);
        }

        JsonObject content = JsonForm.TryParseObject(bytes)
            ?? throw new IOException($"The last content that the engine sent into '{store.Location}' is not JSON and therefore not an index or a manifest.");
        return new JsonObject
        {
            ["mediaType"] = JsonForm.Text(content, "mediaType"),
            ["digest"] = digest.ToString(),
            ["size"] = bytes.Length,
        };
    }
}
