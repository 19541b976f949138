using System.Runtime.InteropServices;

namespace OpenCloud.Build.Bench.Measuring;

/// <summary>The few calls of Linux that .NET does not offer.</summary>
internal static partial class NativeMethods
{
    internal const int PrSetChildSubreaper = 36;
    internal const int SigTerm = 15;
    internal const int SigKill = 9;
    internal const int Eintr = 4;
    internal const int NoHang = 1;

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    internal static partial int SetProcessControl(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    internal static partial int Wait4(int pid, out int status, int options, out ResourceUsage usage);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int pid, int signal);

    /// <summary><c>struct rusage</c> of 64-bit Linux (getrusage(2)).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ResourceUsage
    {
        public long UserSeconds;
        public long UserMicroseconds;
        public long SystemSeconds;
        public long SystemMicroseconds;

        /// <summary>Largest resident set, KiB.</summary>
        public long MaxResidentKilobytes;

        private unsafe fixed long _others[13];

        public readonly TimeSpan Cpu => TimeSpan.FromSeconds(UserSeconds + SystemSeconds) +
            TimeSpan.FromMicroseconds(UserMicroseconds + SystemMicroseconds);
    }
}
