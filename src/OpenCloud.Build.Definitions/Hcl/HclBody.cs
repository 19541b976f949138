namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>The body of a file or of a block.</summary>
internal sealed record HclBody(IReadOnlyList<HclAttribute> Attributes, IReadOnlyList<HclBlock> Blocks)
{
    public HclAttribute? Attribute(string name) => Attributes.FirstOrDefault(a => a.Name == name);
}

internal sealed record HclAttribute(string Name, HclExpression Value, HclPosition Position);

internal sealed record HclBlock(string Type, IReadOnlyList<string> Labels, HclBody Body, HclPosition Position);
