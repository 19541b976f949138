namespace OpenCloud.Build.Client.Failures;

/// <summary>A range in a source file, as BuildKit counts: lines from 1, characters from 0.</summary>
/// <param name="StartLine">The first line.</param>
/// <param name="StartCharacter">The first character on the first line.</param>
/// <param name="EndLine">The last line; never before the first.</param>
/// <param name="EndCharacter">The character after the last one on the last line.</param>
internal sealed record SourceRange(int StartLine, int StartCharacter, int EndLine, int EndCharacter);
