namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>Which side of a connection: it decides who says the preface, opens streams, and what header fields must be there.</summary>
internal enum Http2Role
{
    /// <summary>Streams are the peer's requests.</summary>
    Server,

    /// <summary>Streams are our requests.</summary>
    Client,
}
