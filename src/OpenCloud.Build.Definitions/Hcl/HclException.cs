namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>The source is not valid HCL, or an expression cannot be evaluated.</summary>
internal sealed class HclException : Exception
{
    public HclException(string message, HclPosition position, Exception? inner = null)
        : base(message, inner)
    {
        Position = position;
    }

    public HclException(string message, HclPosition position, bool isBudget)
        : base(message)
    {
        Position = position;
        IsBudget = isBudget;
    }

    public HclPosition Position { get; }

    /// <summary>Whether a limit was exceeded. The function <c>try</c> does not catch that.</summary>
    public bool IsBudget { get; }
}
