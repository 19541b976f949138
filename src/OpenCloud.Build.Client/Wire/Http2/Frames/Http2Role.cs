namespace OpenCloud.Build.Client.Wire.Http2.Frames;

/// <summary>The side of a connection. It decides who sends the preface, who opens streams, and which header fields are required.</summary>
internal enum Http2Role
{
    Server,

    Client,
}
