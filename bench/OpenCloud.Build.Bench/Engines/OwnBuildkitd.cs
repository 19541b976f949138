using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Engines;

/// <summary>A buildkitd for this run only, with all it keeps in the run's folder.</summary>
internal sealed class OwnBuildkitd : BenchEngine
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly Process _daemon;
    private readonly string _log;

    /// <summary>Starts it and waits until it accepts connections.</summary>
    /// <param name="program">The daemon.</param>
    /// <param name="scratch">The run's folder.</param>
    /// <param name="certificates">A directory with ca.pem, cert.pem and key.pem, with which it also listens on TCP; null for none.</param>
    public OwnBuildkitd(string program, string scratch, string? certificates)
    {
        string socket = Path.Join(scratch, "buildkitd.sock");
        string configuration = Path.Join(scratch, "buildkitd.toml");
        _log = Path.Join(scratch, "buildkitd.log");
        Address = "unix://" + socket;
        // Collecting garbage in the middle of a build would be charged to it; the cache is emptied between builds.
        File.WriteAllText(configuration, "[worker.oci]\n  gc = false\n");

        TcpAddress = certificates is null ? null : string.Create(CultureInfo.InvariantCulture, $"tcp://127.0.0.1:{FreePort()}");
        string[] arguments =
        [
            "--config", configuration, "--root", Path.Join(scratch, "root"), "--addr", Address,
            "--otel-socket-path", Path.Join(scratch, "otel.sock"), "--containerd-worker=false", "--oci-worker=true",
            "--oci-worker-net", "host", .. Runc(program), .. Tls(TcpAddress, certificates),
        ];
        // Its log goes to a file rather than through this process, which would then work while a client is measured.
        ProcessStartInfo start = new("/bin/sh", ["-c", "exec \"$@\" </dev/null >\"$BENCH_LOG\" 2>&1", "sh", program, .. arguments]);
        start.Environment["BENCH_LOG"] = _log;
        _daemon = Process.Start(start) ?? throw new BenchException($"'{program}' did not start.");
        try
        {
            WaitForSocket(socket);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Address { get; }

    /// <summary>Its address with mutual TLS; null when it does not listen on TCP.</summary>
    public string? TcpAddress { get; }

    /// <summary>A port of loopback that is free now.</summary>
    public static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _ = NativeMethods.Kill(_daemon.Id, NativeMethods.SigTerm);
        if (!_daemon.WaitForExit(TimeSpan.FromSeconds(20)))
        {
            _daemon.Kill();
            _daemon.WaitForExit();
        }

        _daemon.Dispose();
    }

    // BuildKit's release ships a runc of its own beside the daemon.
    private static string[] Runc(string program) =>
        Path.Join(Path.GetDirectoryName(program), "buildkit-runc") is var runc && File.Exists(runc) ? ["--oci-worker-binary", runc] : [];

    private static string[] Tls(string? address, string? certificates) => address is null ? [] :
        ["--addr", address, "--tlscacert", Path.Join(certificates, "ca.pem"), "--tlscert", Path.Join(certificates, "cert.pem"), "--tlskey", Path.Join(certificates, "key.pem")];

    private void WaitForSocket(string path)
    {
        DateTime limit = DateTime.UtcNow + StartLimit;
        while (true)
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(path));
                return;
            }
            catch (SocketException) when (!_daemon.HasExited && DateTime.UtcNow < limit)
            {
                Thread.Sleep(50);
            }
            catch (SocketException)
            {
                throw new BenchException("buildkitd does not answer; its log ends with:\n" + string.Join('\n', File.ReadLines(_log).TakeLast(10)));
            }
        }
    }
}
