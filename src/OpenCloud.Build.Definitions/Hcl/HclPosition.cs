namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>A place in a source, both counted from 1.</summary>
internal readonly record struct HclPosition(string File, int Line, int Column)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Line},{Column}";
}
