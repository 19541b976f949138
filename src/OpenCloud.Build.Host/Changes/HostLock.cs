using System.Globalization;
using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Host.Changes;

/// <summary>One run at a time: a lock the kernel drops with the process that holds it, however that ends.</summary>
internal sealed class HostLock : IDisposable
{
    /// <summary>The lock of those who change the host as root.</summary>
    public const string LockPath = "/run/opencloud.build.lock";

    private readonly FileStream _file;

    private HostLock(FileStream file)
    {
        _file = file;
    }

    /// <summary>Takes the lock, waiting for another run to end.</summary>
    /// <param name="patience">How long to wait.</param>
    /// <param name="tell">Told once, when another run holds it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="HostException">The other run did not end in time.</exception>
    /// <param name="path">The lock's file.</param>
    public static HostLock Take(TimeSpan patience, Action<string> tell, CancellationToken cancellationToken, string path = LockPath)
    {
        var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        var told = false;
        while (true)
        {
            try
            {
                // FileShare.None is flock(LOCK_EX | LOCK_NB) on Linux.
                var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                file.SetLength(0);
                file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
                file.Flush();
                return new HostLock(file);
            }
            catch (IOException) when (File.Exists(path))
            {
                // flock does not keep others from reading, but .NET's own reader would ask for a lock again.
                var holder = HostCommand.Run("cat", [path], cancellationToken).Output.Trim();
                if (!told)
                {
                    tell($"Process {holder} is changing this host; waiting until it is done.");
                    told = true;
                }

                if (Environment.TickCount64 > deadline)
                {
                    throw new HostException(
                        HostErrorKind.Busy,
                        $"Process {holder} is changing this host and was not done after {patience.TotalSeconds:0} s.",
                        $"Wait for process {holder} to end and run it again.",
                        path);
                }

                cancellationToken.WaitHandle.WaitOne(200);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Lets the next run in. The file stays: removing it would let two runs hold two different ones.</summary>
    public void Dispose() => _file.Dispose();
}
