using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Failures;

/// <summary>Where in a source file an error arose.</summary>
/// <param name="FileName">The file's name as the frontend knows it, for example <c>Dockerfile</c>.</param>
/// <param name="Data">The file's bytes; empty when they were not sent.</param>
/// <param name="Language">The language, for example <c>Dockerfile</c>; empty when unknown.</param>
/// <param name="Ranges">The places, most often one.</param>
public sealed record ErrorSource(string FileName, ReadOnlyMemory<byte> Data, string Language, IReadOnlyList<SourceRange> Ranges)
{
    /// <summary>The name of the file.</summary>
    public string FileName { get; init => field = TerminalText.Name(value); } = TerminalText.Name(FileName);

    /// <summary>The file's bytes; empty when they were not sent.</summary>
    public ReadOnlyMemory<byte> Data { get; init; } = Data;

    /// <summary>What it is written in.</summary>
    public string Language { get; init => field = TerminalText.Name(value); } = TerminalText.Name(Language);

    /// <summary>The places, most often one.</summary>
    public IReadOnlyList<SourceRange> Ranges { get; init; } = Ranges;
}
