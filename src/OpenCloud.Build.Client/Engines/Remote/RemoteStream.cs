using System.Globalization;
using System.Net.Sockets;
using System.Text;
using OpenCloud.Build.Client.Streams;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// The connection that a program carries. Its socket is the program's input and output, so that it is read and written like any other. The
/// program ends with the stream, and its last words explain an end that nobody asked for.
/// </summary>
internal sealed class RemoteStream(ConnectedProgram program, string name, Func<string>? otherErrors = null, Action? onClosed = null, Func<Task<string?>>? explain = null) : NetworkStream(program.Connection, ownsSocket: true), IEndedConnection
{
    // A program that closes its output ends soon.
    private static readonly TimeSpan EndPatience = TimeSpan.FromMilliseconds(500);

    // What an explanation adds to an error is not worth more.
    private static readonly TimeSpan ExplainPatience = TimeSpan.FromSeconds(2);

    private const int MostText = 4 << 10;

    private readonly TaskCompletionSource _unread = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _closed;

    /// <summary>The program, for example <c>ssh</c>.</summary>
    public string Name => name;

    public int ProcessId => program.ProcessId;

    /// <summary>What the program reports.</summary>
    public string Errors => SshProgress.Report(program.Errors);

    /// <summary>All that the program wrote to its standard error.</summary>
    public string Details => program.Errors;

    public int? ExitCode => program.ExitCode;

    public bool HasEnded() => program.HasEnded();

    /// <summary>Whether the program has ended. Then it has said why.</summary>
    public async ValueTask<bool> HasEndedAsync(CancellationToken cancellationToken) =>
        program.HasEnded() && await program.WaitAsync(EndPatience, cancellationToken).ConfigureAwait(false);

    /// <summary>Waits for the first byte, which stays in the stream. BuildKit sends its HTTP/2 settings before it is asked.</summary>
    /// <returns>Null when the program ended, or closed its output, instead.</returns>
    public async ValueTask<byte?> PeekAsync(CancellationToken cancellationToken)
    {
        byte[] first = new byte[1];
        try
        {
            if (await Socket.ReceiveAsync(first.AsMemory(), SocketFlags.Peek, cancellationToken).ConfigureAwait(false) > 0)
            {
                return first[0];
            }
        }
        catch (SocketException)
        {
            // A program that ended with unread input resets the connection.
        }

        await program.WaitAsync(EndPatience, cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <summary>Reads text that the program sends instead of an engine's bytes, until it ends, pauses, or has sent enough for a message.</summary>
    public async ValueTask<string> ReadTextAsync(CancellationToken cancellationToken)
    {
        byte[] text = new byte[MostText];
        int length = 0;
        using CancellationTokenSource pause = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        pause.CancelAfter(EndPatience);
        try
        {
            int count;
            while (length < text.Length && (count = await Socket.ReceiveAsync(text.AsMemory(length), SocketFlags.None, pause.Token).ConfigureAwait(false)) > 0)
            {
                length += count;
            }

            await program.WaitAsync(EndPatience, pause.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // It waits for input.
        }

        return Encoding.UTF8.GetString(text, 0, length);
    }

    public IOException? WhyEnded(CancellationToken cancellationToken) => WhyEndedAsync(cancellationToken).GetAwaiter().GetResult();

    public void StopExplaining() => _unread.TrySetResult();

    private async Task<IOException?> WhyEndedAsync(CancellationToken cancellationToken)
    {
        if (_closed != 0 || !await program.WaitAsync(EndPatience, cancellationToken).ConfigureAwait(false) || (program.ExitCode is 0 or null && explain is null))
        {
            return null;
        }

        string? why = null;
        if (explain is not null)
        {
            Task<string?> asked = explain();
            await Task.WhenAny(asked, _unread.Task, Task.Delay(ExplainPatience, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (_unread.Task.IsCompleted)
            {
                return null;
            }

            why = asked.IsCompletedSuccessfully ? await asked.ConfigureAwait(false) : null;
        }

        if (program.ExitCode is 0 or null)
        {
            return why is null ? null : new IOException(why);
        }

        string words = RemoteErrorText.LastWords($"{Errors}\n{otherErrors?.Invoke()}");
        string code = program.ExitCode is > 128 and <= 192
            ? string.Create(CultureInfo.InvariantCulture, $"was ended by signal {program.ExitCode - 128}")
            : string.Create(CultureInfo.InvariantCulture, $"ended with exit code {program.ExitCode}");
        return new IOException($"{name}, which carried it, {code}{(words.Length == 0 ? "." : why is null ? $": {words}" : $": {words.TrimEnd('.')}.")}{(why is null ? "" : $" {why}")}");
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return count == 0 && buffer.Length > 0 && await WhyEndedAsync(cancellationToken).ConfigureAwait(false) is { } why ? throw why : count;
    }

    protected override void Dispose(bool disposing)
    {
        bool first = Interlocked.Exchange(ref _closed, 1) == 0;
        StopExplaining();
        base.Dispose(disposing);
        if (disposing && first)
        {
            program.Stop();
            onClosed?.Invoke();
        }
    }
}
