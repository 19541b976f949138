using System.Runtime.InteropServices;
using System.Security;
using System.Security.Cryptography;
using System.Text;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// The source of a <c>RUN --mount=type=secret</c>: a file, an environment variable, or bytes. It is read when a build begins; a missing source
/// fails the build before anything is sent.
/// </summary>
public sealed class BuildSecret
{
    /// <summary>The largest size of a secret in bytes, as in BuildKit's own client (session/secrets/secretsprovider).</summary>
    public const int MaxSize = 500 * 1024;

    private readonly Func<CancellationToken, byte[]> _read;

    private BuildSecret(string source, Func<CancellationToken, byte[]> read)
    {
        Source = source;
        _read = read;
    }

    /// <summary>A description of the source, without the secret itself.</summary>
    public string Source { get; }

    /// <summary>A secret from a file, which may be a pipe or a descriptor.</summary>
    public static BuildSecret FromFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new BuildSecret($"the file '{path}'", token => ReadFile(path, token));
    }

    /// <summary>A secret from an environment variable, as UTF-8.</summary>
    public static BuildSecret FromEnvironment(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new BuildSecret(
            $"the environment variable {name}",
            _ => Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(name) ?? throw new IOException("it is not set")));
    }

    /// <summary>A secret from a SecureString, as UTF-8; it is decoded when the build begins.</summary>
    public static BuildSecret FromSecureString(SecureString text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new BuildSecret("a secure string", _ => ReadSecureString(text));
    }

    /// <summary>A secret from bytes, which are copied when the build begins.</summary>
    public static BuildSecret FromBytes(ReadOnlyMemory<byte> content) => new("a byte array", _ => content.ToArray());

    /// <inheritdoc/>
    public override string ToString() => Source;

    /// <summary>Reads the secret into an array that the caller clears.</summary>
    /// <exception cref="IOException">The source is missing or too large; the message names the source only.</exception>
    internal byte[] Read(string id, CancellationToken cancellationToken)
    {
        byte[] content;
        try
        {
            content = _read(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The secret '{id}' cannot be read from {Source}: {e.Message}", e);
        }

        if (content.Length > MaxSize)
        {
            CryptographicOperations.ZeroMemory(content);
            throw new IOException($"The secret '{id}' from {Source} is larger than the limit of {MaxSize / 1024} KiB.");
        }

        return content;
    }

    // A pipe is accepted, as a shell creates for <(command): it is read once, when the build begins.
    private static byte[] ReadFile(string path, CancellationToken cancellationToken) => InputFile.ReadNamed(path, MaxSize, cancellationToken).Bytes;

    private static byte[] ReadSecureString(SecureString text)
    {
        nint pointer = Marshal.SecureStringToGlobalAllocUnicode(text);
        char[] characters = new char[text.Length];
        try
        {
            Marshal.Copy(pointer, characters, 0, characters.Length);
            return Encoding.UTF8.GetBytes(characters);
        }
        finally
        {
            Marshal.ZeroFreeGlobalAllocUnicode(pointer);
            Array.Clear(characters);
        }
    }
}
