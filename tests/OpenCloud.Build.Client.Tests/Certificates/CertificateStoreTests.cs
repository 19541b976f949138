using OpenCloud.Build.Client.Certificates;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Certificates;

/// <summary>Where certificates are written: only where nobody else can change them, and complete.</summary>
public sealed class CertificateStoreTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ocb");

    private string Pki => Path.Combine(_directory.FullName, "pki");

    public void Dispose() => _directory.Delete(true);

    [Theory]
    [InlineData("", UnixFileMode.GroupWrite)]
    [InlineData("", UnixFileMode.OtherWrite)]
    [InlineData("ca", UnixFileMode.GroupWrite)]
    [InlineData("server", UnixFileMode.OtherWrite)]
    [InlineData("client", UnixFileMode.GroupWrite)]
    public void A_directory_that_others_can_change_is_refused_before_anything_is_written(string folder, UnixFileMode extra)
    {
        string open = Path.TrimEndingDirectorySeparator(Path.Combine(Pki, folder));
        Directory.CreateDirectory(open);
        File.SetUnixFileMode(open, Private | extra);
        CertificateStore store = new(Pki);
        Refused(() => store.PlanAuthority());
        Refused(() => store.Issue(store.PlanClient("ci", renew: false), TimeSpan.FromDays(1)));
        Assert.Empty(Directory.EnumerateFiles(Pki, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Root_does_not_write_below_a_directory_of_others()
    {
        List<string> asked = [];
        CertificateStore store = new(Path.Combine(Pki, "deep"), null, existing =>
        {
            asked.Add(existing);
            return "it is open.";
        });
        Refused(() => store.PlanAuthority());
        Assert.Equal(_directory.FullName, Assert.Single(asked));
        Refused(() => store.Issue(store.PlanClient("ci", renew: false), TimeSpan.FromDays(1)));
        Assert.False(Directory.Exists(Pki));
    }

    [Fact]
    public void A_file_system_without_flags_for_renames_takes_a_new_set_and_names_why_it_renews_none()
    {
        string staged = _directory.CreateSubdirectory("staged").FullName;
        File.WriteAllText(Path.Combine(staged, "key.pem"), "new");
        CertificateFiles.Publish(staged, Pki, replaces: false, static (_, _) => LinuxCalls.InvalidArgument);
        Assert.Equal("new", File.ReadAllText(Path.Combine(Pki, "key.pem")));

        staged = _directory.CreateSubdirectory("staged").FullName;
        File.WriteAllText(Path.Combine(staged, "key.pem"), "newer");
        IOException refused = Assert.Throws<IOException>(() => CertificateFiles.Publish(staged, Pki, replaces: true, static (_, _) => LinuxCalls.InvalidArgument));
        Assert.Contains("cannot exchange two directories", refused.Message, StringComparison.Ordinal);
        Assert.ThrowsAny<IOException>(() => CertificateFiles.Publish(staged, Pki, replaces: false, static (_, _) => LinuxCalls.InvalidArgument));
        Assert.Equal("new", File.ReadAllText(Path.Combine(Pki, "key.pem")));
    }

    private static void Refused(Action action) =>
        Assert.Equal(CertificateSetProblem.DirectoryNotTrusted, Assert.Throws<CertificateSetException>(action).Problem);
}
