using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Diagnosis;

namespace OpenCloud.Build.Hosts;

/// <summary>
/// Diagnoses engines in virtual machines. A monitor's socket is a file with owner and mode. AF_VSOCK has neither, so its access by other users
/// cannot be diagnosed.
/// </summary>
internal static class VsockDiagnosis
{
    private const string Device = "/dev/vsock";

    public static Task<SocketDiagnosis> RunAsync(EngineAddress address, EngineConnectOptions options, string? asUser, string? asService, CancellationToken cancellationToken)
    {
        if (address.Path is { } path)
        {
            return HybridAsync(address, path, options, asUser, asService, cancellationToken);
        }

        return asUser is not null || asService is not null
            ? throw new HostException(HostErrorKind.InvalidInput, $"{address} has no owner and no mode: every process on a machine with AF_VSOCK can connect.", "Remove -As and -Service", address.ToString())
            : EngineDiagnosis.FromAfarAsync(address, options, Before(address), cancellationToken);
    }

    private static async Task<SocketDiagnosis> HybridAsync(
        EngineAddress address, string path, EngineConnectOptions options, string? asUser, string? asService, CancellationToken cancellationToken)
    {
        DiagnosisCheck? guest = null;
        string name = $"Port {address.Port} of the virtual machine";
        async Task<EngineAnswer> AskAsync(Stream connection, CancellationToken stop)
        {
            guest = new DiagnosisCheck(name, CheckState.Ok, "the guest accepts connections");
            try
            {
                return await EngineProbes.AskAsync(connection, address, stop).ConfigureAwait(false);
            }
            catch (EngineConnectException e)
            {
                guest = new DiagnosisCheck(name, CheckState.Failed, e.Message);
                throw;
            }
            catch (OperationCanceledException)
            {
                guest = null;
                throw;
            }
        }

        SocketDiagnosis found = await new SocketDiagnoser(AskAsync, speaksHttp2: false).DiagnoseAsync(path, asUser, asService, cancellationToken).ConfigureAwait(false);
        List<DiagnosisCheck> checks = [.. found.Checks];
        if (guest is not null)
        {
            int at = checks.FindIndex(static check => check.Name == "gRPC");
            checks.Insert(at < 0 ? checks.Count : at, guest);
            if (guest.State == CheckState.Ok && found.Reachable)
            {
                checks.Insert(checks.IndexOf(guest) + 1, new DiagnosisCheck("HTTP/2", CheckState.Ok, "it speaks HTTP/2"));
            }
        }

        return found with { Address = address.ToString(), Checks = checks };
    }

    private static IEnumerable<DiagnosisCheck> Before(EngineAddress address)
    {
        // The kernel loads its modules when the first socket is opened, so a missing device proves nothing.
        yield return File.Exists(Device)
            ? new DiagnosisCheck("Device", CheckState.Ok, $"{Device} exists")
            : new DiagnosisCheck("Device", CheckState.Warning, $"{Device} does not exist: the kernel module vsock is not loaded", "sudo modprobe vsock");
        yield return new DiagnosisCheck("Context id", CheckState.Ok, address.ContextId switch
        {
            1 => "1: this machine itself (vsock_loopback)",
            2 => "2: the host of this virtual machine",
            var id => $"{id}: a virtual machine of this host",
        });
    }
}
