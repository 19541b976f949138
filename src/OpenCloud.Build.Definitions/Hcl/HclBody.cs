namespace OpenCloud.Build.Definitions.Hcl;

/// <summary>A file, or what a block has in its braces.</summary>
internal sealed record HclBody(IReadOnlyList<HclAttribute> Attributes, IReadOnlyList<HclBlock> Blocks)
{
    public HclAttribute? Attribute(string name) => Attributes.FirstOrDefault(a => a.Name == name);
}

/// <summary>A name and its expression.</summary>
internal sealed record HclAttribute(string Name, HclExpression Value, HclPosition Position);

/// <summary>A block: its type, its labels and its body.</summary>
internal sealed record HclBlock(string Type, IReadOnlyList<string> Labels, HclBody Body, HclPosition Position);
