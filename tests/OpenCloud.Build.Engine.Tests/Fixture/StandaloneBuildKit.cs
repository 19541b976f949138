using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Engines;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>
/// A buildkitd out of a release's archive, run inside the namespaces of one of the fixture's containerds: with a worker of its own, or with one
/// that keeps its images in that containerd.
/// </summary>
public sealed class StandaloneBuildKit : IAsyncDisposable
{
    /// <summary>The environment variable that names the archive.</summary>
    public const string ArchiveVariable = "OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE";

    /// <summary>containerd's namespace of its images.</summary>
    public const string Namespace = "buildkit";

    private readonly Process _process;
    private readonly ContextFolder _programs;

    private StandaloneBuildKit(Process process, ContextFolder programs, RunningEngine engine)
    {
        _process = process;
        _programs = programs;
        Engine = engine;
    }

    /// <summary>It as an engine to build with.</summary>
    public RunningEngine Engine { get; }

    /// <summary>Starts it. Skips the test where there is no archive, or no containerd.</summary>
    /// <param name="host">The containerd whose namespaces it lives in.</param>
    /// <param name="containerdWorker">Whether it works with that containerd; else it runs steps itself.</param>
    /// <param name="entitlements">What it grants builds that ask for it.</param>
    /// <param name="environment">Its variables, each as <c>NAME=value</c>.</param>
    /// <param name="megabytes">The room that it has for its own data; null for all that the host has.</param>
    public static async Task<StandaloneBuildKit> StartAsync(
        RunningEngine host, bool containerdWorker, IReadOnlyList<string>? entitlements = null, IReadOnlyList<string>? environment = null, int? megabytes = null)
    {
        string? archive = Environment.GetEnvironmentVariable(ArchiveVariable);
        Assert.SkipWhen(string.IsNullOrEmpty(archive), $"{ArchiveVariable} names no archive of a real BuildKit");
        ContextFolder programs = new();
        await using (GZipStream plain = new(File.OpenRead(archive), CompressionMode.Decompress))
        {
            await TarFile.ExtractToDirectoryAsync(plain, programs.Path, overwriteFiles: false);
        }

        string id = Guid.NewGuid().ToString("n")[..6];
        string socket = $"{host.Folder}/{id}.sock";
        string root = $"{host.Folder}/data/{id}";
        string group = "/" + Path.GetFileName(host.Folder);
        programs.Write("buildkitd.toml", $"""
            root = "{root}"
            {(entitlements is null ? "" : $"insecure-entitlements = [{string.Join(", ", entitlements.Select(static e => $"\"{e}\""))}]")}
            [grpc]
            address = ["unix://{socket}"]
            [worker.oci]
            enabled = {(containerdWorker ? "false" : "true")}
            binary = "{programs.At("bin/buildkit-runc")}"
            networkMode = "host"
            defaultCgroupParent = "{group}"
            [worker.containerd]
            enabled = {(containerdWorker ? "true" : "false")}
            address = "{host.ContainerdSocket}"
            namespace = "{Namespace}"
            networkMode = "host"
            defaultCgroupParent = "{group}"
            """);
        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(
            host,
            ["env", .. environment ?? [], "sh", "-c", $"{(megabytes is null ? "" : $"mkdir -p {root} && mount -t tmpfs -o size={megabytes}m tmpfs {root} && ")}exec \"$1\" --config \"$2\" >\"$3\" 2>&1", "sh", programs.At("bin/buildkitd"), programs.At("buildkitd.toml"), programs.At("log")]);
        Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        RunningEngine engine = host with { Name = Path.GetFileName(archive), Address = "unix://" + socket, DockerSocket = null, LogPath = programs.At("log") };
        StandaloneBuildKit started = new(process, programs, engine);
        try
        {
            EngineConnectOptions patient = new() { ConnectTimeout = TimeSpan.FromSeconds(30) };
            await using BuildKitClient client = await BuildKitClient.ConnectAsync(EngineAddress.Parse(engine.Address), patient, cancellationToken: TestContext.Current.CancellationToken);
            return started;
        }
        catch (Exception e)
        {
            string log = File.Exists(engine.LogPath) ? await File.ReadAllTextAsync(engine.LogPath) : "";
            await started.DisposeAsync();
            throw new InvalidOperationException($"buildkitd did not start:\n{log}", e);
        }
    }

    /// <summary>Kills it as a crash would.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        _programs.Dispose();
    }
}
