using System.Reflection;
using Xunit;

namespace OpenCloud.Build.Host.Tests;

/// <summary>Lists, JSON and CSV show properties in the order of their declaration; a record's is that of its constructor.</summary>
public sealed class PropertyOrderTests
{
    [Fact]
    public void PropertiesOfARecord_HaveTheOrderOfItsConstructor()
    {
        int seen = 0;
        foreach (Type type in typeof(OpenCloud.Build.Host.Diagnosis.SocketDiagnosis).Assembly.GetExportedTypes())
        {
            foreach (ConstructorInfo constructor in type.GetConstructors())
            {
                string[] parameters = [.. constructor.GetParameters().Select(static p => p.Name!)];
                string[] properties = [.. type.GetProperties().Where(p => p.DeclaringType == type && parameters.Contains(p.Name)).OrderBy(static p => p.MetadataToken).Select(static p => p.Name)];
                if (parameters.Length > 1 && properties.Length == parameters.Length)
                {
                    Assert.Equal(parameters, properties);
                    seen++;
                }
            }
        }

        Assert.InRange(seen, 2, int.MaxValue);
    }
}
