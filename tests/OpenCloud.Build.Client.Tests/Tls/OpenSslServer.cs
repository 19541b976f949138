using System.Diagnostics;
using System.Globalization;
using OpenCloud.Build.Client.Engines;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Tls;

/// <summary>
/// <c>openssl s_server</c> on loopback: unlike .NET's server on Linux it sends alerts.
/// </summary>
internal sealed class OpenSslServer : IDisposable
{
    private readonly Process _process;

    private OpenSslServer(Process process, int port)
    {
        _process = process;
        Address = EngineAddress.Parse($"tcp://127.0.0.1:{port}");
    }

    public EngineAddress Address { get; }

    public static async Task<OpenSslServer> StartAsync(TlsFolder folder, params string[] options)
    {
        ProcessStartInfo start = new("openssl", ["s_server", "-accept", "127.0.0.1:0", "-cert", Path.Combine(folder.Path, "server-cert.pem"), "-key", Path.Combine(folder.Path, "server-key.pem"), "-alpn", "h2", "-naccept", "8", .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();

        // ACCEPT 127.0.0.1:PORT
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("ACCEPT ", StringComparison.Ordinal))
            {
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return new OpenSslServer(process, int.Parse(line.AsSpan(line.LastIndexOf(':') + 1), CultureInfo.InvariantCulture));
            }
        }

        throw new InvalidOperationException("openssl did not start.");
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
