namespace OpenCloud.Build.Client.Inputs;

/// <summary>The agent for <c>RUN --mount=type=ssh</c>; it can only list its keys and sign with them.</summary>
public sealed class SshForward
{
    /// <summary>The id of a mount without one.</summary>
    public const string DefaultId = "default";

    /// <summary>The id in the Dockerfile's mount.</summary>
    public string Id { get; init; } = DefaultId;

    /// <summary>
    /// The socket of an agent, or files of private keys without passphrases, for which a private <c>ssh-agent</c> is started. Empty for the
    /// agent in <c>SSH_AUTH_SOCK</c>.
    /// </summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>Parses docker's form: <c>default</c>, <c>id</c>, <c>id=socket</c> or <c>id=key,key</c>.</summary>
    /// <exception cref="FormatException">The text is malformed.</exception>
    public static SshForward Parse(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        int equals = text.IndexOf('=');
        string id = equals < 0 ? text : text[..equals];
        if (id.Length == 0 || (equals >= 0 && equals == text.Length - 1) || id.Contains('/'))
        {
            throw new FormatException($"'{text}' does not name an SSH agent; use default, id=/path/to/socket or id=/path/to/key.");
        }

        return new SshForward { Id = id, Paths = equals < 0 ? [] : text[(equals + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries) };
    }

    /// <inheritdoc/>
    public override string ToString() => Paths.Count == 0 ? Id : $"{Id}={string.Join(',', Paths)}";
}
