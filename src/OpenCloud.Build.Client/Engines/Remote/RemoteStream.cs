using System.Globalization;
using System.Net.Sockets;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// The connection that a program carries. Its socket is the program's input and output, so that it is read and written like any other. The
/// program ends with the stream, and its last words explain an end that nobody asked for.
/// </summary>
internal sealed class RemoteStream(ConnectedProgram program, string name, Func<string>? otherErrors = null, Action? onClosed = null) : NetworkStream(program.Connection, ownsSocket: true), IEndedConnection
{
    // A program that closes its output ends soon.
    private static readonly TimeSpan EndPatience = TimeSpan.FromMilliseconds(500);

    private int _closed;

    /// <summary>The program, for example <c>ssh</c>.</summary>
    public string Name => name;

    public int ProcessId => program.ProcessId;

    public string Errors => program.Errors;

    public int? ExitCode => program.ExitCode;

    public bool HasEnded() => program.HasEnded();

    /// <summary>Waits for the first byte, which stays in the stream. BuildKit sends its HTTP/2 settings before it is asked.</summary>
    /// <returns>False when the program ended, or closed its output, instead.</returns>
    public async ValueTask<bool> WaitForDataAsync(CancellationToken cancellationToken)
    {
        byte[] first = new byte[1];
        try
        {
            if (await Socket.ReceiveAsync(first.AsMemory(), SocketFlags.Peek, cancellationToken).ConfigureAwait(false) > 0)
            {
                return true;
            }
        }
        catch (SocketException)
        {
            // A program that ended with unread input resets the connection.
        }

        await program.WaitAsync(EndPatience, cancellationToken).ConfigureAwait(false);
        return false;
    }

    public IOException? WhyEnded()
    {
        if (_closed != 0 || !program.WaitAsync(EndPatience).GetAwaiter().GetResult() || program.ExitCode is 0 or null)
        {
            return null;
        }

        string words = RemoteErrorText.LastWords($"{program.Errors}\n{otherErrors?.Invoke()}");
        string code = program.ExitCode is > 128 and <= 192
            ? string.Create(CultureInfo.InvariantCulture, $"was ended by signal {program.ExitCode - 128}")
            : string.Create(CultureInfo.InvariantCulture, $"ended with exit code {program.ExitCode}");
        return new IOException($"{name}, which carried it, {code}{(words.Length == 0 ? "." : $": {words}")}");
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return count == 0 && buffer.Length > 0 && WhyEnded() is { } why ? throw why : count;
    }

    protected override void Dispose(bool disposing)
    {
        bool first = Interlocked.Exchange(ref _closed, 1) == 0;
        base.Dispose(disposing);
        if (disposing && first)
        {
            program.Stop();
            onClosed?.Invoke();
        }
    }
}
