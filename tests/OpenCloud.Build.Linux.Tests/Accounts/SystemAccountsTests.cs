using Xunit;

namespace OpenCloud.Build.Linux.Tests.Accounts;

public sealed class SystemAccountsTests
{
    [Fact]
    public void FindsWhatTheFilesHave()
    {
        foreach (string line in File.ReadLines("/etc/passwd").Where(line => line.Split(':').Length == 7))
        {
            string[] fields = line.Split(':');
            UserAccount? user = SystemAccounts.FindUser(fields[0]);
            Assert.Equal(new UserAccount(fields[0], uint.Parse(fields[2], null), uint.Parse(fields[3], null), fields[5], fields[6]), user);
            Assert.NotNull(SystemAccounts.FindUser(fields[2]));
        }

        foreach (string line in File.ReadLines("/etc/group").Where(line => line.Split(':').Length == 4))
        {
            string[] fields = line.Split(':');
            GroupAccount? group = SystemAccounts.FindGroup(fields[0]);
            Assert.Equal((fields[0], uint.Parse(fields[2], null)), (group!.Name, group.Gid));
            Assert.Equal(fields[3].Split(',', StringSplitOptions.RemoveEmptyEntries), group.Members);
        }
    }

    [Fact]
    public void KnowsNobodyWhoIsNotThere()
    {
        Assert.Null(SystemAccounts.FindUser("no-such-user"));
        Assert.Null(SystemAccounts.FindUser(4_000_000_000));
        Assert.Null(SystemAccounts.FindGroup("no-such-group"));
        Assert.Null(SystemAccounts.FindGroup(4_000_000_000));
    }

    [Fact]
    public void PutsThePrimaryGroupIntoTheGroups() => Assert.Contains(4242u, SystemAccounts.GroupsOf("root", 4242));
}
