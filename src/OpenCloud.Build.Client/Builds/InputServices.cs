using OpenCloud.Build.Client.Context.Transfer;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.FileSync;
using OpenCloud.Build.Client.Session;
using OpenCloud.Build.Client.Wire.Grpc;
using OpenCloud.Build.Client.Wire.Grpc.Server;

namespace OpenCloud.Build.Client.Builds;

/// <summary>Serves the inputs of a request in its session, for a build or a query.</summary>
internal sealed class InputServices(ImageBuildRequest build, BuildInputs inputs, ContextChanges? changes = null)
{
    private readonly FileSyncService _files = new(inputs.Directories, changes: changes);
    private UploadService? _uploads;

    public ContextCounters Counters => _files.Counters;

    /// <summary>The first failure to send an input; null when there is none.</summary>
    public Exception? Failure => _files.Failure ?? _uploads?.Failure;

    /// <summary>The registry credentials for what the request names.</summary>
    public static AuthService CreateAuth(ImageBuildRequest build, DockerfileContent? dockerfile) =>
        new(RegistryHosts.Of(build, dockerfile), build.RegistryCredentials, build.DockerConfigDirectory ?? DockerConfigFile.DefaultDirectory);

    /// <summary>Opens the session; <paramref name="bind"/> adds further services.</summary>
    public Task<BuildSession> OpenSessionAsync(DedicatedCallInvoker invoker, Action<GrpcServer> bind, CancellationToken cancellationToken)
    {
        GrpcServer server = new(BuildSession.Options(invoker.Engine.Clock));
        FileSync.BindService(server, _files);
        _uploads = new UploadService(inputs.Archives, _files.Counters);
        _uploads.BindTo(server);
        bind(server);
        return BuildSession.OpenAsync(invoker, server, SessionKey.ForDirectory(build.ContextPath), cancellationToken);
    }
}
