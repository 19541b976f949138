using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Tests.Context;
using OpenCloud.Build.Client.Tests.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Credentials;

/// <summary>A credential helper knows a host by one spelling only: logins are saved, found and removed by the one that the file has.</summary>
[Collection(ProcessWide.Name)]
public sealed class HelperLoginTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly string? _path = Environment.GetEnvironmentVariable("PATH");

    public HelperLoginTests()
    {
        Directory.CreateDirectory(Kept);
        string program = Path.Combine(_folder.Path, "docker-credential-ocbkeeps");
        File.WriteAllText(program, $$"""
            #!/bin/sh
            said=$(cat)
            case $1 in
              store) host=$(printf '%s' "$said" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/') ;;
              *) host=$said ;;
            esac
            file='{{Kept}}'/$(printf '%s' "$host" | tr /: __)
            case $1 in
              store) printf '%s' "$said" >"$file" ;;
              get) cat "$file" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
              erase) rm "$file" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
            esac
            """);
        File.SetUnixFileMode(program, (UnixFileMode)0x1ED);
        Environment.SetEnvironmentVariable("PATH", _folder.Path + ":" + _path);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Kept => Path.Combine(_folder.Path, "kept");

    private string ConfigFile => Path.Combine(_folder.Path, "config.json");

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("PATH", _path);
        _folder.Dispose();
    }

    [Theory]
    [InlineData("""{"credsStore":"ocbkeeps","auths":{}}""", "r.example")]
    [InlineData("""{"credsStore":"ocbkeeps","auths":{"R.example:443":{}}}""", "R.example_443")]
    [InlineData("""{"credsStore":"ocbkeeps","auths":{"https://r.example/v1/":{}}}""", "r.example")]
    [InlineData("""{"credHelpers":{"R.example:443":"ocbkeeps"}}""", "R.example_443")]
    public async Task ALogin_IsSavedFoundAndRemovedByAnySpelling(string config, string kept)
    {
        await File.WriteAllTextAsync(ConfigFile, config, Token);
        await RegistryLogins.SaveAsync(_folder.Path, "r.example", new RegistryCredential("me", "new"), Token);
        Assert.Equal([kept], Directory.GetFiles(Kept).Select(Path.GetFileName));
        foreach (string host in new[] { "r.example", "R.EXAMPLE", "r.example:443" })
        {
            Assert.Equal("new", (await DockerConfigFile.Read(_folder.Path).FindAsync(host, Token))?.Password);
        }

        Assert.True(await RegistryLogins.RemoveAsync(_folder.Path, "r.Example:443", Token));
        Assert.Empty(Directory.GetFiles(Kept));
        Assert.Empty(JsonNode.Parse(await File.ReadAllTextAsync(ConfigFile, Token))!["auths"]!.AsObject());
        Assert.False(await RegistryLogins.RemoveAsync(_folder.Path, "r.example", Token));
    }

    [Fact]
    public async Task ALogout_ErasesTheLoginOfAnotherSpelling()
    {
        await File.WriteAllTextAsync(ConfigFile, """{"credsStore":"ocbkeeps","auths":{"R.example:443":{}}}""", Token);
        await File.WriteAllTextAsync(Path.Combine(Kept, "R.example_443"), """{"ServerURL":"R.example:443","Username":"me","Secret":"old"}""", Token);
        Assert.True(await RegistryLogins.RemoveAsync(_folder.Path, "r.example", Token));
        Assert.Empty(Directory.GetFiles(Kept));
    }
}
