namespace OpenCloud.Build.Client.Context;

/// <summary>A pattern's counts stand for more than is taken; a context's ignore file is not always its builder's own.</summary>
internal sealed class PatternSizeException : Exception
{
    public PatternSizeException()
        : base($"it stands for more than {PatternProgram.MaxAtoms} characters")
    {
    }
}
