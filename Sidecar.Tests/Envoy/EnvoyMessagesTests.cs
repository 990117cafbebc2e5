using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;
using Sidecar.Protocol.Envoy;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Envoy;

/// <summary>Our own .proto files have the names, numbers and types that Envoy publishes (proxy integration §3.2–3.4).</summary>
public sealed class EnvoyMessagesTests
{
    [Test]
    public void SharedMessages_AreAsPublished() => Assert.That(
        DescriptorText.Messages(
            CoreReflection.Descriptor, HttpStatusReflection.Descriptor, RpcStatusReflection.Descriptor, ProcessingModeReflection.Descriptor),
        Is.EqualTo("""
        Address: 1 socket_address oneof SocketAddress; 2 pipe oneof Pipe
        HeaderMap: 1 headers repeated HeaderValue
        HeaderValue: 1 key string; 2 value string; 3 raw_value bytes
        HeaderValueOption: 1 header HeaderValue; 2 append BoolValue; 3 append_action HeaderValueOption.HeaderAppendAction; 4 keep_empty_value bool
        HttpStatus: 1 code int32
        Metadata: 1 filter_metadata map<string,Struct>; 2 typed_filter_metadata map<string,Any>
        Pipe: 1 path string; 2 mode u32
        ProcessingMode: 1 request_header_mode ProcessingMode.HeaderSendMode; 2 response_header_mode ProcessingMode.HeaderSendMode; 3 request_body_mode ProcessingMode.BodySendMode; 4 response_body_mode ProcessingMode.BodySendMode; 5 request_trailer_mode ProcessingMode.HeaderSendMode; 6 response_trailer_mode ProcessingMode.HeaderSendMode
        QueryParameter: 1 key string; 2 value string
        SocketAddress: 1 protocol SocketAddress.Protocol; 2 address string; 3 port_value u32
        Status: 1 code int32; 2 message string; 3 details repeated Any
        """.Split('\n')));

    [Test]
    public void ExternalAuth_IsAsPublished() => Assert.That(
        DescriptorText.Messages(ExternalAuthReflection.Descriptor),
        Is.EqualTo("""
        AttributeContext.HttpRequest: 1 id string; 2 method string; 3 headers map<string,string>; 4 path string; 5 host string; 6 scheme string; 7 query string; 8 fragment string; 9 size int64; 10 protocol string; 11 body string; 12 raw_body bytes; 13 header_map HeaderMap
        AttributeContext.Peer: 1 address Address; 2 service string; 3 labels map<string,string>; 4 principal string; 5 certificate string
        AttributeContext.Request: 1 time Timestamp; 2 http AttributeContext.HttpRequest
        AttributeContext.TLSSession: 1 sni string
        AttributeContext: 1 source AttributeContext.Peer; 2 destination AttributeContext.Peer; 4 request AttributeContext.Request; 10 context_extensions map<string,string>; 11 metadata_context Metadata; 12 tls_session AttributeContext.TLSSession; 13 route_metadata_context Metadata
        CheckRequest: 1 attributes AttributeContext
        CheckResponse: 1 status Status; 2 denied_response oneof DeniedHttpResponse; 3 ok_response oneof OkHttpResponse; 4 dynamic_metadata Struct; 5 error_response oneof DeniedHttpResponse
        DeniedHttpResponse: 1 status HttpStatus; 2 headers repeated HeaderValueOption; 3 body string
        OkHttpResponse: 2 headers repeated HeaderValueOption; 3 dynamic_metadata Struct; 5 headers_to_remove repeated string; 6 response_headers_to_add repeated HeaderValueOption; 7 query_parameters_to_set repeated QueryParameter; 8 query_parameters_to_remove repeated string
        """.Split('\n')));

    [Test]
    public void ExternalProcessor_IsAsPublished() => Assert.That(
        DescriptorText.Messages(ExternalProcessorReflection.Descriptor),
        Is.EqualTo("""
        BodyMutation: 1 body oneof bytes; 2 clear_body oneof bool; 3 streamed_response oneof StreamedBodyResponse
        BodyResponse: 1 response CommonResponse
        CommonResponse: 1 status CommonResponse.ResponseStatus; 2 header_mutation HeaderMutation; 3 body_mutation BodyMutation; 4 trailers HeaderMap; 5 clear_route_cache bool
        GrpcStatus: 1 status u32
        HeaderMutation: 1 set_headers repeated HeaderValueOption; 2 remove_headers repeated string
        HeadersResponse: 1 response CommonResponse
        HttpBody: 1 body bytes; 2 end_of_stream bool; 3 end_of_stream_without_message bool; 4 grpc_message_compressed bool
        HttpHeaders: 1 headers HeaderMap; 3 end_of_stream bool
        HttpTrailers: 1 trailers HeaderMap
        ImmediateResponse: 1 status HttpStatus; 2 headers HeaderMutation; 3 body bytes; 4 grpc_status GrpcStatus; 5 details string
        ProcessingRequest: 2 request_headers oneof HttpHeaders; 3 response_headers oneof HttpHeaders; 4 request_body oneof HttpBody; 5 response_body oneof HttpBody; 6 request_trailers oneof HttpTrailers; 7 response_trailers oneof HttpTrailers; 8 metadata_context Metadata; 9 attributes map<string,Struct>; 10 observability_mode bool; 11 protocol_config ProtocolConfiguration
        ProcessingResponse: 1 request_headers oneof HeadersResponse; 2 response_headers oneof HeadersResponse; 3 request_body oneof BodyResponse; 4 response_body oneof BodyResponse; 5 request_trailers oneof TrailersResponse; 6 response_trailers oneof TrailersResponse; 7 immediate_response oneof ImmediateResponse; 8 dynamic_metadata Struct; 9 mode_override ProcessingMode; 10 override_message_timeout Duration; 11 streamed_immediate_response oneof StreamedImmediateResponse; 12 request_drain bool
        ProtocolConfiguration: 1 request_body_mode ProcessingMode.BodySendMode; 2 response_body_mode ProcessingMode.BodySendMode; 3 send_body_without_waiting_for_header_response bool
        StreamedBodyResponse: 1 body bytes; 2 end_of_stream bool; 3 end_of_stream_without_message bool; 4 grpc_message_compressed bool
        StreamedImmediateResponse: 1 headers_response oneof HttpHeaders; 2 body_response oneof StreamedBodyResponse; 3 trailers_response oneof HeaderMap
        TrailersResponse: 1 header_mutation HeaderMutation
        """.Split('\n')));

    [Test]
    public void Enums_HaveThePublishedNumbers() => Assert.That(
        DescriptorText.Enums(CoreReflection.Descriptor, ProcessingModeReflection.Descriptor, ExternalProcessorReflection.Descriptor),
        Is.EqualTo("""
        CommonResponse.ResponseStatus: 0 CONTINUE; 1 CONTINUE_AND_REPLACE
        HeaderValueOption.HeaderAppendAction: 0 APPEND_IF_EXISTS_OR_ADD; 1 ADD_IF_ABSENT; 2 OVERWRITE_IF_EXISTS_OR_ADD; 3 OVERWRITE_IF_EXISTS
        ProcessingMode.BodySendMode: 0 NONE; 1 STREAMED; 2 BUFFERED; 3 BUFFERED_PARTIAL; 4 FULL_DUPLEX_STREAMED; 5 GRPC
        ProcessingMode.HeaderSendMode: 0 DEFAULT; 1 SEND; 2 SKIP
        SocketAddress.Protocol: 0 TCP; 1 UDP
        """.Split('\n')));

    [Test]
    public void Names_AreThePublishedOnes()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(CheckRequest.Descriptor.FullName, Is.EqualTo("envoy.service.auth.v3.CheckRequest"));
            Assert.That(ProcessingRequest.Descriptor.FullName, Is.EqualTo("envoy.service.ext_proc.v3.ProcessingRequest"));
            Assert.That(ProcessingMode.Descriptor.FullName, Is.EqualTo("envoy.extensions.filters.http.ext_proc.v3.ProcessingMode"));
            Assert.That(HeaderValueOption.Descriptor.FullName, Is.EqualTo("envoy.config.core.v3.HeaderValueOption"));
            Assert.That(HttpStatus.Descriptor.FullName, Is.EqualTo("envoy.type.v3.HttpStatus"));
            Assert.That(Status.Descriptor.FullName, Is.EqualTo("google.rpc.Status"));
            Assert.That(Method(ExternalAuthReflection.Descriptor.Services[0].Methods[0]), Is.EqualTo("/envoy.service.auth.v3.Authorization/Check"));
            Assert.That(
                Method(ExternalProcessorReflection.Descriptor.Services[0].Methods[0]), Is.EqualTo("/envoy.service.ext_proc.v3.ExternalProcessor/Process"));
        }

        static string Method(Google.Protobuf.Reflection.MethodDescriptor method) => $"/{method.Service.FullName}/{method.Name}";
    }

    [Test]
    public void ProcessingRequest_IsReadFromHandWrittenBytes()
    {
        // request_headers { headers { headers [{ key ":path", raw_value "/a" }] }, end_of_stream true }, protocol_config { request_body_mode 4 }
        var message = ProcessingRequest.Parser.ParseFrom(Convert.FromHexString(
            "1211" + "0A0D" + "0A0B" + "0A053A70617468" + "1A022F61" + "1801" + "5A02" + "0804"));

        Assert.That(message.RequestCase, Is.EqualTo(ProcessingRequest.RequestOneofCase.RequestHeaders));
        var header = message.RequestHeaders.Headers.Headers.Single();
        Assert.That((header.Key, header.RawValue.ToStringUtf8(), message.RequestHeaders.EndOfStream), Is.EqualTo((":path", "/a", true)));
        Assert.That(message.ProtocolConfig.RequestBodyMode, Is.EqualTo(ProcessingMode.Types.BodySendMode.FullDuplexStreamed));
    }

    [Test]
    public void CheckRequest_IsReadFromHandWrittenBytes()
    {
        // attributes { source { address { pipe { path "/p" } } }, request { http { method "GET", headers { "a": "b" }, size -1 } } }
        var message = CheckRequest.Parser.ParseFrom(Convert.FromHexString(
            "0A26" + "0A08" + "0A06" + "1204" + "0A022F70" + "221A" + "1218" + "1203474554" + "1A06" + "0A0161" + "120162" + "48FFFFFFFFFFFFFFFFFF01"));

        var http = message.Attributes.Request.Http;
        Assert.That((http.Method, http.Headers["a"], http.Size), Is.EqualTo(("GET", "b", -1L)));
        Assert.That(message.Attributes.Source.Address.Pipe.Path, Is.EqualTo("/p"));
    }

    [Test]
    public void ImmediateResponse_IsWrittenToTheByte()
    {
        var response = new ProcessingResponse
        {
            ImmediateResponse = new ImmediateResponse
            {
                Status = new HttpStatus { Code = 403 },
                Headers = new HeaderMutation
                {
                    SetHeaders =
                    {
                        new HeaderValueOption
                        {
                            Header = new HeaderValue { Key = "a", RawValue = ByteString.CopyFromUtf8("b") },
                            Append = false,
                            AppendAction = HeaderValueOption.Types.HeaderAppendAction.OverwriteIfExistsOrAdd,
                        },
                    },
                },
                Body = ByteString.CopyFromUtf8("no"),
            },
        };

        Assert.That(
            Convert.ToHexString(response.ToByteArray()),
            Is.EqualTo("3A19" + "0A03089303" + "120E" + "0A0C" + "0A06" + "0A0161" + "1A0162" + "1200" + "1802" + "1A026E6F"));
    }

    [Test]
    public void UnknownFields_AreNoError() =>
        Assert.That(ProcessingRequest.Parser.ParseFrom([0x2A, 0x02, 0x10, 0x01, 0xA2, 0x06, 0x01, 0x00]).ResponseBody.EndOfStream, Is.True);

    [Test]
    public void Values_OfMetadataRoundTrip()
    {
        var response = new CheckResponse { DynamicMetadata = new Struct { Fields = { ["rule"] = Value.ForString("942100") } }, Status = new Status { Code = 7 } };

        Assert.That(CheckResponse.Parser.ParseFrom(response.ToByteArray()), Is.EqualTo(response));
    }
}
