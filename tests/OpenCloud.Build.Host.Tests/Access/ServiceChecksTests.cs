using OpenCloud.Build.Host.Access;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Access;

/// <summary>A service that was granted access, but is not started at boot, or whose drop-in does not count.</summary>
public sealed class ServiceChecksTests
{
    private const string Unit = "app.service";
    private const string DropIn = "/etc/systemd/system/app.service.d/50-opencloud.build-buildkit.conf";

    [Theory]
    [InlineData("enabled", "", "")]
    [InlineData("static", "TriggeredBy=app.timer", "")]
    [InlineData("static", "WantedBy=multi-user.target", "")]
    [InlineData("generated", "WantedBy=multi-user.target", "")]
    [InlineData("disabled", "TriggeredBy=app.socket", "")]
    [InlineData("disabled", "", "is not started at boot. To enable it: 'sudo systemctl enable app.service'")]
    [InlineData("static", "", "add an [Install] section")]
    [InlineData("transient", "", "add an [Install] section")]
    [InlineData("", "", "no unit file")]
    [InlineData("enabled-runtime", "WantedBy=multi-user.target", "only until the next boot")]
    public void Service_IsStartedAtBoot(string file, string other, string note)
    {
        Dictionary<string, string> state = InForce();
        state["UnitFileState"] = file;
        if (other.Split('=') is [var name, var value])
        {
            state[name] = value;
        }

        Told(state, note);
    }

    [Theory]
    [InlineData("", "buildkit", "another drop-in with this name overrides")]
    [InlineData(DropIn + " /run/systemd/system/app.service.d/60-other.conf", "", "a later drop-in clears")]
    [InlineData(DropIn, "video buildkit", "")]
    public void DropIn_IsInForce(string paths, string groups, string note)
    {
        Dictionary<string, string> state = InForce();
        state["DropInPaths"] = paths;
        state["SupplementaryGroups"] = groups;
        Told(state, note);
    }

    private static Dictionary<string, string> InForce() => new() { ["UnitFileState"] = "enabled", ["DropInPaths"] = DropIn, ["SupplementaryGroups"] = "buildkit" };

    private static void Told(Dictionary<string, string> state, string note)
    {
        IReadOnlyList<string> notes = ServiceChecks.Of(Unit, "buildkit", DropIn, state);
        if (note.Length == 0)
        {
            Assert.Empty(notes);
        }
        else
        {
            Assert.Contains(note, Assert.Single(notes), StringComparison.Ordinal);
        }
    }
}
