using System.Text;
using System.Text.Json;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>Asks a <c>docker-credential-NAME</c> program for a registry's credential.</summary>
/// <remarks>The protocol: docker/docker-credential-helpers, client and credentials: the registry on its input, JSON or a word on its output.</remarks>
internal static class CredentialHelper
{
    public const string Prefix = "docker-credential-";
    private const int LongestWords = 300;
    private const string TokenUser = "<token>";
    private const int MostOutput = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <exception cref="RegistryCredentialException">The program is missing or failed.</exception>
    public static async Task<StoredCredential?> GetAsync(string name, string host, CancellationToken cancellationToken)
    {
        ProgramResult answer = await RunAsync(name, "get", host, host, cancellationToken).ConfigureAwait(false);
        return answer.ExitCode == 0 ? Read(name, answer.Output) : NotFoundOrFail(name, host, answer.Output, answer.Error);
    }

    public static async Task StoreAsync(string name, string host, string userName, string secret, CancellationToken cancellationToken)
    {
        string input = JsonSerializer.Serialize(new Dictionary<string, string> { ["ServerURL"] = host, ["Username"] = userName, ["Secret"] = secret });
        ProgramResult answer = await RunAsync(name, "store", host, input, cancellationToken).ConfigureAwait(false);
        if (answer.ExitCode != 0)
        {
            // The program's output may contain the secret.
            throw Failed(name, host, answer.Output.Replace(secret, "***", StringComparison.Ordinal), answer.Error.Replace(secret, "***", StringComparison.Ordinal));
        }
    }

    public static async Task EraseAsync(string name, string host, CancellationToken cancellationToken)
    {
        ProgramResult answer = await RunAsync(name, "erase", host, host, cancellationToken).ConfigureAwait(false);
        if (answer.ExitCode != 0)
        {
            _ = NotFoundOrFail(name, host, answer.Output, answer.Error);
        }
    }

    private static async Task<ProgramResult> RunAsync(string name, string verb, string host, string input, CancellationToken cancellationToken)
    {
        // The name comes from a file; it must name a program on PATH, not a path.
        if (name.Length == 0 || name.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
        {
            throw new RegistryCredentialException($"'{name}' in the Docker configuration is not the name of a credential helper.");
        }

        string path = ProgramFinder.OnPath(Prefix + name)
            ?? throw new RegistryCredentialException($"The credential helper {Prefix}{name}, which the Docker configuration names for '{host}', was not found in PATH.{ProgramFinder.Hint(Prefix + name)}");
        ProgramCommand command = new(path, [verb], ProgramEnvironment.Inherited())
        {
            Input = Encoding.UTF8.GetBytes(input),
            OutputLimit = MostOutput,
            Timeout = Patience,
        };
        try
        {
            ProgramResult answer = await ProgramRunner.RunAsync(command, cancellationToken).ConfigureAwait(false);
            return !answer.IsTruncated ? answer : throw new RegistryCredentialException($"The credential helper {Prefix}{name} returned more than {MostOutput} bytes.");
        }
        catch (TimeoutException)
        {
            throw new RegistryCredentialException($"The credential helper {Prefix}{name} did not answer within {Patience.TotalSeconds} s.");
        }
    }

    private static StoredCredential? NotFoundOrFail(string name, string host, string output, string error)
    {
        if (output.Contains("credentials not found", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        throw Failed(name, host, output, error);
    }

    private static RegistryCredentialException Failed(string name, string host, string output, string error)
    {
        // A failing helper says why on its output (credentials/credentials.go). Output that looks like a credential is not shown.
        string said = output.Contains('{', StringComparison.Ordinal) ? error : $"{output}\n{error}";
        string words = string.Join("; ", said.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Take(3));
        string plain = TerminalText.Bounded(string.Concat(words.Where(static c => !char.IsControl(c))), LongestWords);
        return new RegistryCredentialException($"The credential helper {Prefix}{name} failed for '{host}'{(plain.Length > 0 ? $": {plain}" : "")}.");
    }

    private static StoredCredential? Read(string name, string output)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(output);
            string user = document.RootElement.GetProperty("Username").GetString() ?? string.Empty;
            string secret = document.RootElement.GetProperty("Secret").GetString() ?? string.Empty;
            return secret.Length == 0 ? null
                : user == TokenUser ? new StoredCredential(string.Empty, string.Empty, secret, string.Empty)
                : new StoredCredential(user, secret, string.Empty, string.Empty);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // The parser's message would repeat the secret.
            throw new RegistryCredentialException($"The credential helper {Prefix}{name} did not answer with JSON.");
        }
    }
}
