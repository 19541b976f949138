namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>A position in a source. Line and column start at 1.</summary>
internal readonly record struct HclPosition(string File, int Line, int Column)
{
    public override string ToString() => $"{File}:{Line},{Column}";
}
