using System.Net.Sockets;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Access;

/// <summary>
/// Checks that the engine answers members of the group and nobody else. The connection is made with the credentials of nobody
/// plus the group (<see cref="IdentityThread"/>), so the kernel decides as for a member; gRPC then runs over it.
/// </summary>
internal static class EngineVerifier
{
    /// <summary>Waits until the engine answers.</summary>
    /// <exception cref="HostException">The engine does not answer in time, or accepts everybody.</exception>
    public static async Task<EngineAnswer> VerifyAsync(string group, TimeSpan patience, EngineProbe probe, CancellationToken cancellationToken)
    {
        uint gid = AccountDatabase.FindGroup(group)?.Gid
            ?? throw new HostException(HostErrorKind.NotFound, $"The group '{group}' does not exist.", target: group);
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        EngineAnswer answer;
        while (true)
        {
            try
            {
                Socket socket = IdentityThread.Connect(SystemPaths.SocketPath, Identity.NobodyIn(gid), cancellationToken);
                using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(TimeSpan.FromSeconds(20));
                answer = await probe(new NetworkStream(socket, ownsSocket: true), limit.Token).ConfigureAwait(false);
                break;
            }
            catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AccessDenied)
            {
                throw new HostException(
                    HostErrorKind.EngineSilent,
                    $"The engine runs, but a member of the group '{group}' has no access to {SystemPaths.SocketPath}.",
                    "Run Test-BuildKitSocket -Detailed to see which directory or mode prevents access.",
                    SystemPaths.SocketPath,
                    refused);
            }
            catch (Exception error) when (error is not (OperationCanceledException or HostException) || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                string state = Systemctl.Property(SystemPaths.ServiceUnit, "ActiveState");
                if (Environment.TickCount64 > deadline || state == "failed")
                {
                    throw new HostException(
                        HostErrorKind.EngineSilent,
                        $"The engine does not answer at {SystemPaths.SocketPath} ({SystemPaths.ServiceUnit} is {state}): {error.Message}\n{Systemctl.LastLines(SystemPaths.ServiceUnit)}".TrimEnd(),
                        $"See 'journalctl -u {SystemPaths.ServiceUnit}'.",
                        SystemPaths.SocketPath,
                        error);
                }

                cancellationToken.WaitHandle.WaitOne(250);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        RequireClosedToOthers();
        return answer;
    }

    private static void RequireClosedToOthers()
    {
        try
        {
            using Socket open = IdentityThread.Connect(SystemPaths.SocketPath, new Identity(Identity.Nobody, Identity.Nobody, []));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AccessDenied)
        {
            return;
        }

        throw new HostException(
            HostErrorKind.Conflict,
            $"Every user has access to {SystemPaths.SocketPath}, which is equivalent to root.",
            "Check the drop-ins of buildkit.socket for SocketMode, and check the ACLs.",
            SystemPaths.SocketPath);
    }
}
