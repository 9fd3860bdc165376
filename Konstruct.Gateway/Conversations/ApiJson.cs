using System.Text.Json.Serialization;

namespace Konstruct.Gateway.Conversations;

/// <summary>JSON of the API, with the columns' names, like <c>conversation_id</c> in the frames.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NewConversation))]
[JsonSerializable(typeof(NewTitle))]
[JsonSerializable(typeof(ConversationItem))]
[JsonSerializable(typeof(Page<ConversationItem>))]
[JsonSerializable(typeof(Page<MessageItem>))]
internal sealed partial class ApiJson : JsonSerializerContext;
