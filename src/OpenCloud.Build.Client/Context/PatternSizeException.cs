namespace OpenCloud.Build.Client.Context;

/// <summary>A pattern's counts expand to more than is accepted. A context's ignore file may come from someone other than its builder.</summary>
internal sealed class PatternSizeException(int most) : Exception($"it expands to more than {most} characters");
