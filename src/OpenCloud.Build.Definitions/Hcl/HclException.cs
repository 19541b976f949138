namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>A text that is no HCL, or an expression that has no value; says where.</summary>
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

    /// <summary>Where it is.</summary>
    public HclPosition Position { get; }

    /// <summary>Whether a limit was reached, which no <c>try</c> of the source catches.</summary>
    public bool IsBudget { get; }
}
