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
        IReadOnlyList<uint>? versions = null;
        string proxyId = "", proxyVersion = "";
        JsonElement? config = null;
        IReadOnlyList<string> encodings = [];
        var scope = r.BeginStruct();
        while (r.Next(ref scope, RequestMembers, out var member))
        {
            _ = member switch
            {
                0 => r.Into(out versions, r.ReadList(static (ref TReader version) => version.ReadUInt32())),
                1 => r.Into(ref proxyId),
                2 => r.Into(ref proxyVersion),
                3 => r.Into(ref config),
                _ => r.Into(ref encodings),
            };
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
        w.Member("supported_versions"u8, message.SupportedVersions, static (ref TWriter writer, uint version) => writer.UInt64(version));
        w.Member("proxy_id"u8, message.ProxyId);
        w.Member("proxy_version"u8, message.ProxyVersion);
        w.Member("config"u8, message.Config);
        w.Member("supported_encodings"u8, message.SupportedEncodings);
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
            _ = member switch
            {
                0 => r.Into(ref version),
                1 => r.Into(out capabilities, CapabilitiesCodec.Read(ref r)),
                2 => r.Into(ref success),
                3 => r.Into(out error, r.ReadText()),
                _ => r.Into(ref encoding),
            };
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
        w.Member("protocol_version"u8, message.ProtocolVersion);
        w.Key("capabilities"u8);
        CapabilitiesCodec.Write(ref w, message.Capabilities);
        w.Member("success"u8, message.Success);
        w.Member("error"u8, message.Error);
        w.Member("encoding"u8, message.Encoding);
        w.EndMap();
    }
}
