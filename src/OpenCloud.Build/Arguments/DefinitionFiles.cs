using System.Runtime.InteropServices;
using System.Text;
using OpenCloud.Build.Definitions;
using OpenCloud.Build.Definitions.Model;
using OpenCloud.Build.Errors;
using OpenCloud.Build.Linux;

namespace OpenCloud.Build.Arguments;

/// <summary>The files of a build definition.</summary>
internal static class DefinitionFiles
{
    private const int MostBytes = 8 * 1024 * 1024;

    /// <summary>Reads a file that the user named, or the default files of a directory.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="name">The name of the file in messages.</param>
    /// <param name="cancellationToken">Cancels the wait for a pipe.</param>
    /// <exception cref="BuildErrorException">The file does not exist or cannot be read.</exception>
    public static IReadOnlyList<DefinitionSource> Read(string path, string name, CancellationToken cancellationToken) =>
        Directory.Exists(path) ? ReadUsual(path) : [Read(path, name, isNamed: true, cancellationToken)];

    /// <summary>Reads files only, no pipes: a pipe would block, and its data would then be missing for the command.</summary>
    /// <param name="path">The full path.</param>
    /// <exception cref="BuildErrorException">The file does not exist or cannot be read.</exception>
    public static IReadOnlyList<DefinitionSource> ReadRegular(string path) =>
        Directory.Exists(path) ? ReadUsual(path) : [Read(path, path, isNamed: false, CancellationToken.None)];

    /// <summary>The text of a file that a definition names; null when it does not exist.</summary>
    public static string? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? Text(InputFile.ReadRegular(path, MostBytes).Bytes) : null;
        }
        catch (IOException exception)
        {
            throw new DefinitionException(exception.Message, path, inner: exception);
        }
    }

    /// <summary>This machine's platform.</summary>
    public static string LocalPlatform => "linux/" + RuntimeInformation.OSArchitecture switch
    {
        Architecture.X64 => "amd64",
        Architecture.X86 => "386",
        Architecture.Arm => "arm/v7",
        Architecture.Armv6 => "arm/v6",
        Architecture.RiscV64 => "riscv64",
        Architecture other => other.ToString().ToLowerInvariant(),
    };

    private static IReadOnlyList<DefinitionSource> ReadUsual(string path)
    {
        IReadOnlyList<string> found = BuildDefinitions.FindFiles(f => File.Exists(Path.Join(path, f)));
        return found.Count > 0
            ? [.. found.Select(f => Read(Path.Join(path, f), f, isNamed: false, CancellationToken.None))]
            : throw ErrorCatalog.DefinitionNotFound.ToException(path, null, path);
    }

    private static DefinitionSource Read(string path, string name, bool isNamed, CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = Text((isNamed ? InputFile.ReadNamed(path, MostBytes, cancellationToken) : InputFile.ReadRegular(path, MostBytes)).Bytes);
        }
        catch (IOException exception)
        {
            throw ErrorCatalog.InvalidDefinition.ToException(path, exception, $"'{path}' cannot be read: {exception.Message}");
        }

        return Path.GetExtension(path).Equals(".psd1", StringComparison.OrdinalIgnoreCase)
            ? new DefinitionSource(name, DataFileArguments.ToJson(name, text), DefinitionLanguage.Json) { FullPath = path }
            : new DefinitionSource(name, text) { FullPath = path };
    }

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(3) : bytes);
}
