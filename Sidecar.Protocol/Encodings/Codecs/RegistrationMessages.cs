using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The two messages of a registration on a reverse connection (spec §8).</summary>
internal static class RegistrationMessages
{
    private static readonly MemberTable RequestMembers = new(
        5, "protocol_version", "agent_id", "capabilities", "auth_token", "metadata");

    private static readonly MemberTable ResponseMembers = new(
        5, "success", "error", "proxy_id", "proxy_version", "connection_id");

    internal static RegistrationRequest ReadRequest<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        uint? version = null;
        string? agentId = null, token = null;
        AgentCapabilities? capabilities = null;
        JsonElement? metadata = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, RequestMembers, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref version),
                1 => r.Into(ref agentId),
                2 => r.Into(out capabilities, CapabilitiesCodec.Read(ref r)),
                3 => r.Into(ref token),
                _ => r.Into(ref metadata),
            };
        }

        r.End();
        return new RegistrationRequest
        {
            ProtocolVersion = version ?? throw ProtocolErrors.Missing("RegistrationRequest", "protocol_version"),
            AgentId = agentId ?? throw ProtocolErrors.Missing("RegistrationRequest", "agent_id"),
            Capabilities = capabilities ?? throw ProtocolErrors.Missing("RegistrationRequest", "capabilities"),
            AuthToken = token,
            Metadata = metadata,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, RegistrationRequest message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5);
        w.Member("protocol_version"u8, message.ProtocolVersion);
        w.Member("agent_id"u8, message.AgentId);
        w.Key("capabilities"u8);
        CapabilitiesCodec.Write(ref w, message.Capabilities);
        w.Member("auth_token"u8, message.AuthToken);
        w.Member("metadata"u8, message.Metadata);
        w.EndMap();
    }

    internal static RegistrationResponse ReadResponse<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        bool? success = null;
        string? error = null;
        string proxyId = "", proxyVersion = "", connectionId = "";
        var scope = r.BeginStruct();
        while (r.Next(ref scope, ResponseMembers, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref success),
                1 => r.Into(out error, r.ReadText()),
                2 => r.Into(ref proxyId),
                3 => r.Into(ref proxyVersion),
                _ => r.Into(ref connectionId),
            };
        }

        r.End();
        return new RegistrationResponse
        {
            Success = success ?? throw ProtocolErrors.Missing("RegistrationResponse", "success"),
            Error = error,
            ProxyId = proxyId,
            ProxyVersion = proxyVersion,
            ConnectionId = connectionId,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, RegistrationResponse message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5);
        w.Member("success"u8, message.Success);
        w.Member("error"u8, message.Error);
        w.Member("proxy_id"u8, message.ProxyId);
        w.Member("proxy_version"u8, message.ProxyVersion);
        w.Member("connection_id"u8, message.ConnectionId);
        w.EndMap();
    }

    internal static void WriteAck<TWriter>(ref TWriter w, bool accepted, string? error)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(2);
        w.Member("accepted"u8, accepted);
        w.Member("error"u8, error);
        w.EndMap();
    }
}
