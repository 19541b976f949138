using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Failures;

/// <summary>The location of an error in a source file.</summary>
/// <param name="FileName">The file name that the frontend uses, for example <c>Dockerfile</c>.</param>
/// <param name="Data">The file's bytes; empty when they were not sent.</param>
/// <param name="Language">The language, for example <c>Dockerfile</c>; empty when unknown.</param>
/// <param name="Ranges">The locations, most often one.</param>
internal sealed record ErrorSource(string FileName, ReadOnlyMemory<byte> Data, string Language, IReadOnlyList<SourceRange> Ranges)
{
    /// <summary>The name of the file.</summary>
    public string FileName { get; init => field = TerminalText.Name(value); } = TerminalText.Name(FileName);

    /// <summary>The file's bytes; empty when they were not sent.</summary>
    public ReadOnlyMemory<byte> Data { get; init; } = Data;

    /// <summary>The language, for example <c>Dockerfile</c>; empty when unknown.</summary>
    public string Language { get; init => field = TerminalText.Name(value); } = TerminalText.Name(Language);

    /// <summary>The locations, most often one.</summary>
    public IReadOnlyList<SourceRange> Ranges { get; init; } = Ranges;
}
