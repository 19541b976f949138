namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>A throw-away host of tests: in a container, or in a virtual machine.</summary>
internal interface ITestHost : IDisposable
{
    /// <summary>A folder of this machine that the host sees as <c>/ocb/share</c>.</summary>
    public string Share { get; }

    /// <summary>Runs a shell script as root; it must succeed.</summary>
    public string Shell(string script);

    /// <summary>Runs the driver as root.</summary>
    public DriverAnswer Driver(params string[] arguments);

    /// <summary>Reboots it through its own systemd.</summary>
    public void Reboot();
}
