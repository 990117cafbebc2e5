using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The two messages of a handshake (spec §3.1, §3.2).</summary>
internal static class HandshakeMessages
{
    private static readonly MemberTable RequestMembers = new(
        5, "supported_versions", "proxy_id", "proxy_version", "config", "supported_encodings");

    private static readonly MemberTable ResponseMembers = new(
        5, "protocol_version", "capabilities", "success", "error", "encoding");

    internal static HandshakeRequest ReadRequest<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        List<uint>? versions = null;
        string proxyId = "", proxyVersion = "";
        JsonElement? config = null;
        IReadOnlyList<string> encodings = [];
        var scope = r.BeginStruct();
        while (r.Next(ref scope, RequestMembers, out var member))
        {
            switch (member)
            {
                case 0:
                    versions = [];
                    for (var list = r.BeginArray(); r.NextItem(ref list);)
                    {
                        versions.Add(r.ReadUInt32());
                    }

                    break;
                case 1:
                    proxyId = r.ReadString();
                    break;
                case 2:
                    proxyVersion = r.ReadString();
                    break;
                case 3:
                    config = r.ReadJson();
                    break;
                case 4:
                    encodings = r.ReadStrings();
                    break;
            }
        }

        r.End();
        return new HandshakeRequest
        {
            SupportedVersions = versions ?? throw ProtocolErrors.Missing("HandshakeRequest", "supported_versions"),
            ProxyId = proxyId,
            ProxyVersion = proxyVersion,
            Config = config,
            SupportedEncodings = encodings,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, HandshakeRequest message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5);
        w.Key("supported_versions"u8);
        w.BeginArray(message.SupportedVersions.Count);
        foreach (var version in message.SupportedVersions)
        {
            w.UInt64(version);
        }

        w.EndArray();
        w.Key("proxy_id"u8);
        w.String(message.ProxyId);
        w.Key("proxy_version"u8);
        w.String(message.ProxyVersion);
        w.Key("config"u8);
        w.JsonOrNull(message.Config);
        w.Key("supported_encodings"u8);
        w.Strings(message.SupportedEncodings);
        w.EndMap();
    }

    internal static HandshakeResponse ReadResponse<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        uint? version = null;
        AgentCapabilities? capabilities = null;
        bool? success = null;
        string? error = null;
        var encoding = ProtocolConstants.Json;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, ResponseMembers, out var member))
        {
            switch (member)
            {
                case 0:
                    version = r.ReadUInt32();
                    break;
                case 1:
                    capabilities = CapabilitiesCodec.Read(ref r);
                    break;
                case 2:
                    success = r.ReadBoolean();
                    break;
                case 3:
                    error = r.ReadText();
                    break;
                case 4:
                    encoding = r.ReadString();
                    break;
            }
        }

        r.End();
        if (success is null)
        {
            throw ProtocolErrors.Missing("HandshakeResponse", "success");
        }

        if (capabilities is null && success.Value)
        {
            throw ProtocolErrors.Missing("HandshakeResponse", "capabilities");
        }

        return new HandshakeResponse
        {
            ProtocolVersion = version ?? throw ProtocolErrors.Missing("HandshakeResponse", "protocol_version"),
            Capabilities = capabilities ?? new AgentCapabilities(),
            Success = success.Value,
            Error = error,
            Encoding = encoding,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, HandshakeResponse message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5);
        w.Key("protocol_version"u8);
        w.UInt64(message.ProtocolVersion);
        w.Key("capabilities"u8);
        CapabilitiesCodec.Write(ref w, message.Capabilities);
        w.Key("success"u8);
        w.Boolean(message.Success);
        w.Key("error"u8);
        w.StringOrNull(message.Error);
        w.Key("encoding"u8);
        w.String(message.Encoding);
        w.EndMap();
    }
}
