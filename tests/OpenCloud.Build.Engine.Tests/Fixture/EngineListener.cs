using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>Listens on the loopback of an engine's own network from within this process.</summary>
/// <remarks>A socket stays in the network namespace it was made in, and a thread can enter one by itself (setns(2)).</remarks>
internal static partial class EngineListener
{
    private const int NewNetwork = 0x40000000;

    /// <summary>Starts to listen on a free port of 127.0.0.1, as the engine sees it.</summary>
    public static TcpListener Start(RunningEngine engine)
    {
        TcpListener listener = new(IPAddress.Loopback, 0);
        if (engine.ProcessId is not { } process)
        {
            listener.Start();
            return listener;
        }

        listener.Dispose();
        TcpListener? made = null;
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                using SafeFileHandle network = File.OpenHandle($"/proc/{process}/ns/net");
                if (SetNamespace((int)network.DangerousGetHandle(), NewNetwork) != 0)
                {
                    throw new Win32Exception(Marshal.GetLastPInvokeError());
                }

                made = new TcpListener(IPAddress.Loopback, 0);
                made.Start();
            }
#pragma warning disable CA1031 // It is thrown on the thread that waits for this one.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made! : throw new InvalidOperationException("no listener in the engine's network", failure);
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);
}
