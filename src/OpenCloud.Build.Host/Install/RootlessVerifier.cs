using System.Net.Sockets;
using OpenCloud.Build.Host.Accounts;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>Checks that a rootless engine answers its user and nobody else: the connection is made with that user's credentials.</summary>
internal static class RootlessVerifier
{
    /// <summary>Waits until the engine answers.</summary>
    /// <exception cref="HostException">The engine does not answer in time, or accepts other users.</exception>
    public static async Task<EngineAnswer> VerifyAsync(RootlessPaths layout, ManagedUnit unit, TimeSpan patience, EngineProbe probe, CancellationToken cancellationToken)
    {
        Identity caller = Identity.Current();
        Identity? who = caller.Uid == layout.User.Uid ? null : AccountDatabase.IdentityOf(layout.User);
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        EngineAnswer answer;
        while (true)
        {
            try
            {
                Socket socket = who is null ? UnixSocket.Connect(layout.Socket, UnixSocket.Patience, cancellationToken) : IdentityThread.Connect(layout.Socket, who, cancellationToken);
                using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(TimeSpan.FromSeconds(20));
                answer = await probe(new NetworkStream(socket, ownsSocket: true), limit.Token).ConfigureAwait(false);
                break;
            }
            catch (Exception error) when (error is not (OperationCanceledException or HostException) || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                string state = unit.State;
                if (Environment.TickCount64 > deadline || state == "failed")
                {
                    throw new HostException(
                        HostErrorKind.EngineSilent,
                        $"The engine does not answer {layout.User.Name} at {layout.Socket} ({unit.Name} is {state}): {error.Message}\n{unit.LastLines}".TrimEnd(),
                        unit.LogCommand,
                        layout.Socket,
                        error);
                }

                cancellationToken.WaitHandle.WaitOne(250);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        if (caller.Uid == 0)
        {
            RequireClosedToOthers(layout);
        }

        return answer;
    }

    private static void RequireClosedToOthers(RootlessPaths layout)
    {
        try
        {
            using Socket open = IdentityThread.Connect(layout.Socket, new Identity(Identity.Nobody, Identity.Nobody, []));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AccessDenied)
        {
            return;
        }

        throw new HostException(
            HostErrorKind.Conflict,
            $"Every user has access to {layout.Socket}, and gets the rights of {layout.User.Name}.",
            $"Check the modes and ACLs of {layout.RuntimeDirectory}.",
            layout.Socket);
    }
}
