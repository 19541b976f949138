using System.Text;
using OpenCloud.Build.Arguments;
using OpenCloud.Build.Client;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Subrequests;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Definitions;
using OpenCloud.Build.Definitions.Model;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>A build definition that is an address: an engine reads its files.</summary>
/// <param name="Origin">Where it comes from.</param>
/// <param name="Sources">Its files.</param>
/// <remarks>docker/buildx, bake/remote.go: the variables, and the largest size of a file.</remarks>
internal sealed record RemoteDefinition(DefinitionOrigin Origin, IReadOnlyList<DefinitionSource> Sources)
{
    private const string GitSsh = "BUILDX_BAKE_GIT_SSH";
    private const int MostBytes = 2 * 1024 * 1024;

    /// <summary>Reads files of an address, or those of the usual names.</summary>
    /// <exception cref="BuildErrorException">There are none, or the engine cannot read them.</exception>
    public static async Task<RemoteDefinition> ReadAsync(BuildKitClient engine, string address, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        DefinitionOrigin origin = new() { Address = address, IsGit = ContextLocation.Parse(address).Kind == ContextKind.Git };
        string shown = TerminalText.Name(ContextLocation.WithoutSecrets(address));
        RemoteFiles read;
        try
        {
            read = await engine.ReadRemoteFilesAsync(
                new RemoteFilesRequest
                {
                    Address = address,
                    Names = names,
                    DefaultNames = BuildDefinitions.DefaultFiles,
                    MaxBytes = MostBytes,
                    Secrets = origin.GitSecrets(address, Environment.GetEnvironmentVariable).ToDictionary(static s => s.Key, static s => BuildSecret.FromEnvironment(s.Value)),
                    Ssh = DefinitionOrigin.IsOverSsh(address) ? [Agent()] : [],
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (ArgumentException exception)
        {
            throw ErrorCatalog.DefinitionNotFetched.ToException(address, exception, shown, exception.Message);
        }
        catch (ImageBuildException exception)
        {
            throw ErrorCatalog.DefinitionNotFetched.ToException(address, exception, shown, exception.Message);
        }

        return read.Files.Count > 0
            ? new RemoteDefinition(origin with { IsSingleFile = read.IsSingleFile }, [.. read.Files.Select(Source)])
            : throw ErrorCatalog.DefinitionNotFound.ToException(address, null, shown);
    }

    /// <summary>Reads no file of this machine for a definition from elsewhere. It has no <c>.env</c>, and a file that it names is an error.</summary>
    public static string? ReadNothing(string path) => Path.GetFileName(path) == ".env"
        ? null
        : throw new DefinitionException("the file is not read: a definition from an address cannot name files to include or extend.", path);

    private static SshForward Agent() => new()
    {
        Paths = Environment.GetEnvironmentVariable(GitSsh) is { Length: > 0 } paths ? paths.Split(',', StringSplitOptions.RemoveEmptyEntries) : [],
    };

    private static DefinitionSource Source(RemoteFile file)
    {
        ReadOnlySpan<byte> bytes = file.Content.Span;
        string text = Encoding.UTF8.GetString(bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[3..] : bytes);
        return Path.GetExtension(file.Name).Equals(".psd1", StringComparison.OrdinalIgnoreCase)
            ? new DefinitionSource(file.Name, DataFileArguments.ToJson(file.Name, text), DefinitionLanguage.Json)
            : new DefinitionSource(file.Name, text);
    }
}
