using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>A fresh Debian host with systemd, booted in a container for one test and thrown away after it.</summary>
internal sealed class SystemdHost : ITestHost
{
    private static readonly ConcurrentDictionary<string, Lazy<CommandResult>> Trees = new();
    private static int _count;

    private readonly string _name;

    private SystemdHost(string name, string share)
    {
        _name = name;
        Share = share;
    }

    /// <summary>A folder of this machine that the host sees as <c>/ocb/share</c>.</summary>
    public string Share { get; }

    private static string DotnetRoot => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    /// <summary>Boots one, or skips the test with the reason why there can be none.</summary>
    public static SystemdHost Boot(string suite, params string[] nspawnArguments)
    {
        // One tree for all tests of a suite.
        Trees.GetOrAdd(suite, static suite => new(() => Script("tree", suite))).Value.Require();
        string id = string.Create(CultureInfo.InvariantCulture, $"{suite}-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}");
        string share = Directory.CreateTempSubdirectory("ocb-share-").FullName;
        File.SetUnixFileMode(share, (UnixFileMode)0b111_101_101);
        SystemdHost host = new(id, share);
        CommandResult up = Script(["up", id, suite, $"--bind-ro={DotnetRoot}", $"--bind-ro={RepositoryPaths.Driver}:/ocb/driver", $"--bind={share}:/ocb/share", .. nspawnArguments]);
        if (up.ExitCode != 0)
        {
            host.Dispose();
            throw new InvalidOperationException(up.Error);
        }

        return host;
    }

    /// <summary>A command line that starts the driver inside the host.</summary>
    public static string DriverCommand => $"{DotnetRoot}/dotnet /ocb/driver/OpenCloud.Build.HostDriver.dll";

    /// <summary>Runs a command as root; it must succeed.</summary>
    public string Run(params string[] command)
    {
        CommandResult done = Try(command);
        return done.ExitCode == 0 ? done.Output : throw new InvalidOperationException($"{string.Join(' ', command)}: {done.ExitCode}\n{done.Output}{done.Error}");
    }

    /// <summary>Runs a shell script as root; it must succeed.</summary>
    public string Shell(string script) => Run("/bin/sh", "-euc", script);

    /// <summary>Runs a command as root.</summary>
    public CommandResult Try(params string[] command) => Script(["exec", _name, .. command]);

    /// <summary>Runs the driver as root.</summary>
    public DriverAnswer Driver(params string[] arguments) => DriverAnswer.Of(Try([$"{DotnetRoot}/dotnet", "/ocb/driver/OpenCloud.Build.HostDriver.dll", .. arguments]));

    /// <summary>Runs the driver in a new login session of a user.</summary>
    public DriverAnswer DriverAs(string user, params string[] arguments)
        => DriverAnswer.Of(FixtureScript.Run("host-bed", ["exec", _name, $"{DotnetRoot}/dotnet", "/ocb/driver/OpenCloud.Build.HostDriver.dll", .. arguments], user));

    /// <summary>Reboots it through its own systemd.</summary>
    public void Reboot()
    {
        CommandResult done = Script("reboot", _name);
        Assert.True(done.ExitCode == 0, done.Error);
    }

    /// <summary>Packages and files, with owner, mode and the content of what may be configured: what must be the same after a purge.</summary>
    public string Snapshot() => Shell(SnapshotScript);

    /// <summary>Prints what <see cref="Snapshot"/> gives.</summary>
    public const string SnapshotScript =
        """
        dpkg-query -W -f '${binary:Package} ${Version} ${db:Status-Status}\n'
        find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /ocb -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache \
          -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /root/.cache -o -path "/etc/*-" -o -path /etc/ld.so.cache \
          -o -path /usr/share/dotnet \) -prune -o -printf '%p %y %m %u %g\n' | LC_ALL=C sort
        find /run -mindepth 1 -maxdepth 1 -printf '%p\n' | grep -v -e /run/systemd -e /run/dbus -e /run/lock -e /run/log -e /run/opencloud.build\$ -e /run/mount -e /run/opencloud.out | LC_ALL=C sort
        find /etc -xdev -type f ! -name '*-' ! -name ld.so.cache ! -name .updated -exec sha256sum {} + | LC_ALL=C sort -k2
        find /etc/systemd -type l -printf '%p %l\n' | LC_ALL=C sort
        """;

    public void Dispose()
    {
        Script("down", _name);
        Directory.Delete(Share, recursive: true);
    }

    private static CommandResult Script(params string[] arguments) => FixtureScript.Run("host-bed", arguments);
}

/// <summary>What the driver answered: an object, or an error of the library.</summary>
internal sealed record DriverAnswer(int Code, JsonElement? Json, string Error)
{
    public static DriverAnswer Of(CommandResult done)
    {
        string? line = done.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault(text => text[0] is '{' or '[' or '"' or 'n');
        return new DriverAnswer(done.ExitCode, line is null ? null : JsonDocument.Parse(line).RootElement, done.Error + done.Output);
    }

    /// <summary>A text of the answer.</summary>
    public string? this[string name] => Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty(name, out JsonElement value)
        ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText()
        : null;

    /// <summary>The answers it is made of.</summary>
    public IReadOnlyList<DriverAnswer> Each() => [.. Ok().Json!.Value.EnumerateArray().Select(one => new DriverAnswer(0, one, string.Empty))];

    /// <summary>It must have succeeded.</summary>
    public DriverAnswer Ok()
    {
        Assert.True(Code == 0, Error);
        return this;
    }

    /// <summary>It must have failed with this kind of error.</summary>
    public DriverAnswer Failed(string kind)
    {
        Assert.True(Code == 3, Error);
        Assert.True(kind == this["Error"], Error);
        return this;
    }
}
