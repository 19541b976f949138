namespace OpenCloud.Build.Client.Context;

/// <summary>A pattern's counts stand for more than is taken; a context's ignore file is not always its builder's own.</summary>
internal sealed class PatternSizeException(int most) : Exception($"it stands for more than {most} characters");
