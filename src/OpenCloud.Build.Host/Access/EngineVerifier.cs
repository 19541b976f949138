using System.Net.Sockets;
using OpenCloud.Build.Host.Releases;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Access;

/// <summary>
/// Checks that an engine answers the principal it is for, and nobody else. The connection is made with that principal's credentials
/// (<see cref="IdentityThread"/>), so the kernel decides as for its programs; gRPC then runs over it.
/// </summary>
/// <param name="Socket">The path of the engine's socket.</param>
/// <param name="Principal">Who connects; null for the caller.</param>
/// <param name="Unit">The unit that runs the engine.</param>
internal sealed record EngineVerifier(string Socket, Identity? Principal, ManagedUnit Unit)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>The engine's user, for messages; null for the members of a group.</summary>
    public string? User { get; init; }

    /// <summary>The error when the principal may not connect and waiting does not help; null when this may change while the engine starts.</summary>
    public string? Denied { get; init; }

    /// <summary>The consequence of a socket that is open to everybody, and what to look at; null when the caller cannot check it.</summary>
    public (string Consequence, string Remedy)? Open { get; init; }

    /// <summary>Waits until the engine answers with a version and a worker.</summary>
    /// <exception cref="HostException">It does not answer in time, is another version or accepts everybody.</exception>
    public async Task<EngineAnswer> VerifyAsync(BuildKitVersion version, TimeSpan timeout, EngineProbe probe, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (true)
        {
            try
            {
                EngineAnswer answer = await AskAsync(probe, CallTimeout, cancellationToken).ConfigureAwait(false);
                RequireClosedToOthers();
                RequireVersion(version, answer);
                return answer;
            }
            catch (SocketException refused) when (Denied is not null && refused.SocketErrorCode == SocketError.AccessDenied)
            {
                throw new HostException(HostErrorKind.EngineSilent, Denied, "Run Test-BuildKitSocket -Detailed to see which directory or mode prevents access.", Socket, refused);
            }
            catch (Exception error) when (error is not (OperationCanceledException or HostException) || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                string state = Unit.State;
                if (Environment.TickCount64 > deadline || state == "failed")
                {
                    throw new HostException(
                        HostErrorKind.EngineSilent,
                        $"The engine does not answer {(User is null ? string.Empty : User + " ")}at {Socket} ({Unit.Name} is {state}): {error.Message}\n{Unit.LastLines}".TrimEnd(),
                        Unit.LogCommand,
                        Socket,
                        error);
                }

                cancellationToken.WaitHandle.WaitOne(RetryInterval);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Asks the engine once, as the principal.</summary>
    public async Task<EngineAnswer> AskAsync(EngineProbe probe, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        Socket socket = Principal is null ? UnixSocket.Connect(Socket, UnixSocket.DefaultTimeout, limit.Token) : IdentityThread.Connect(Socket, Principal, limit.Token);
        return await probe(new NetworkStream(socket, ownsSocket: true), limit.Token).ConfigureAwait(false);
    }

    /// <summary>Requires that a user without any group is refused.</summary>
    /// <exception cref="HostException">Everybody can connect.</exception>
    public void RequireClosedToOthers()
    {
        if (Open is not { } open)
        {
            return;
        }

        try
        {
            using Socket connected = IdentityThread.Connect(Socket, new Identity(Identity.Nobody, Identity.Nobody, []));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AccessDenied)
        {
            return;
        }

        throw new HostException(HostErrorKind.Conflict, $"Every user has access to {Socket}{open.Consequence}.", open.Remedy, Socket);
    }

    private void RequireVersion(BuildKitVersion wanted, EngineAnswer engine)
    {
        // Custom builds may report no version or an odd one; a plain other version means that the old program still runs.
        if (engine.Version.Length > 0 && char.IsAsciiDigit(engine.Version.TrimStart('v')[0]) && !engine.Version.Contains('+', StringComparison.Ordinal) &&
            engine.Version.TrimStart('v') != wanted.ToString().TrimStart('v'))
        {
            throw new HostException(HostErrorKind.EngineSilent, $"The version of the running engine is {engine.Version}, not {wanted}.", "Check that the archive has the requested version.", Socket);
        }

        if (engine.Workers.Count == 0)
        {
            throw new HostException(HostErrorKind.EngineSilent, "The engine answers, but has no worker.", Unit.LogCommand, Socket);
        }
    }
}
