namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>This machine cannot run the engine asked for. Tests skip with the message as their reason.</summary>
internal sealed class EngineUnavailableException(string reason) : Exception(reason);
