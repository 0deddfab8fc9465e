"""Tables of the path of a payload. The committer and the inbox write them through raw SQL in `repository`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    Text,
    Uuid,
    text,
)
from sqlmodel import Field, SQLModel

DELIVERY_POSITION = Sequence("delivery_position", metadata=SQLModel.metadata, cache=1)
"""Queue order: drawn inside the committing transaction, one at a time. Never an id, never a clock (I4)."""

_BY_MONTH = {"postgresql_partition_by": "RANGE (id)"}


class DataKey(SQLModel, table=True):
    """The key under which payload columns lie; key 0 is none. Destroying a key erases what lies under it."""

    __tablename__ = "data_key"
    __table_args__ = (CheckConstraint("scheme IN ('none')"), CheckConstraint("state IN ('active', 'destroyed')"))

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    scheme: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class Acceptance(SQLModel, table=True):
    """(sender, jti) is one message, for 24 months and across gateways (I2): its digest and the answer it got."""

    __tablename__ = "acceptance"
    __table_args__ = (
        CheckConstraint("kind IN ('exchange', 'ack')"),
        CheckConstraint("octet_length(digest) = 32"),
        Index("acceptance_accepted_at_idx", "accepted_at", postgresql_using="brin"),
    )

    sender: str = Field(primary_key=True, sa_type=Text)
    jti: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    digest: bytes = Field(sa_type=LargeBinary)
    message_id: UUID
    answer: bytes = Field(sa_type=LargeBinary)
    accepted_at: datetime = Field(sa_type=DateTime(timezone=True))


class Exchange(SQLModel, table=True):
    """One accepted envelope; `deliveries` are the ids it went out under. Partitioned by month of `id`.

    `receipt` is None until the acceptance, which has it, is cleared.
    """

    __tablename__ = "exchange"
    __table_args__ = _BY_MONTH

    id: UUID = Field(primary_key=True)
    sender_id: UUID
    jti: str = Field(sa_type=Text)
    resource_id: UUID
    version: int
    digest: bytes = Field(sa_type=LargeBinary)
    schema_digest: bytes = Field(sa_type=LargeBinary)
    kid: str = Field(sa_type=Text)
    envelope: bytes = Field(sa_type=LargeBinary)
    data_key_id: int = Field(sa_type=Integer)
    deliveries: list[UUID] = Field(sa_type=ARRAY(Uuid))
    epoch: int = Field(sa_type=BigInteger)
    accepted_at: datetime = Field(sa_type=DateTime(timezone=True))
    receipt: bytes | None = Field(default=None, sa_type=LargeBinary)


class Projection(SQLModel, table=True):
    """What a narrowed grant lets out of an exchange 投影: an envelope of the hub's own. Partitioned by month of `id`.

    `id` is the delivery that it was made for; a replay of that is another delivery of the same projection.
    """

    __tablename__ = "projection"
    __table_args__ = _BY_MONTH

    id: UUID = Field(primary_key=True)
    exchange_id: UUID
    lane_id: UUID
    grant_id: UUID
    envelope: bytes = Field(sa_type=LargeBinary)
    data_key_id: int = Field(sa_type=Integer)


class Delivery(SQLModel, table=True):
    """What a consumer still has to acknowledge. Not partitioned: what is done moves to `delivered`.

    `digest` is that of the bytes that are delivered: the projection's where `projection_id` names one, else the envelope's.

    No foreign key to the lane: its check would share-lock the lane's row for every delivery, from all gateways at once. A
    lane is never removed, which a trigger sees to.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_queue_idx", "lane_id", "position", postgresql_where=text("sequence IS NULL")),
        Index(
            "delivery_sequence_idx", "lane_id", "sequence", unique=True, postgresql_where=text("sequence IS NOT NULL")
        ),
    )

    id: UUID = Field(primary_key=True)
    lane_id: UUID
    exchange_id: UUID
    kid: str = Field(sa_type=Text)
    digest: bytes = Field(sa_type=LargeBinary)
    position: int = Field(sa_type=BigInteger, sa_column_args=[DELIVERY_POSITION])
    sequence: int | None = Field(default=None, sa_type=BigInteger)
    claimed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    projection_id: UUID | None = None


class Delivered(SQLModel, table=True):
    """A delivery that came to its end. Partitioned by month of `id`."""

    __tablename__ = "delivered"
    __table_args__ = (
        CheckConstraint("outcome IN ('acknowledged', 'transport-confirmed')"),
        CheckConstraint("(outcome = 'acknowledged') = (acknowledgement IS NOT NULL)"),
        _BY_MONTH,
    )

    id: UUID = Field(primary_key=True)
    lane_id: UUID
    exchange_id: UUID
    digest: bytes = Field(sa_type=LargeBinary)
    position: int = Field(sa_type=BigInteger)
    sequence: int = Field(sa_type=BigInteger)
    claimed_at: datetime = Field(sa_type=DateTime(timezone=True))
    outcome: str = Field(sa_type=Text)
    acknowledgement: UUID | None = None
    ended_at: datetime = Field(sa_type=DateTime(timezone=True))
    projection_id: UUID | None = None


class Acknowledgement(SQLModel, table=True):
    """A consumer's signed acknowledgement, kept byte for byte as evidence. Partitioned by month of `id`."""

    __tablename__ = "acknowledgement"
    __table_args__ = _BY_MONTH

    id: UUID = Field(primary_key=True)
    system_id: UUID
    jti: str = Field(sa_type=Text)
    digest: bytes = Field(sa_type=LargeBinary)
    envelope: bytes = Field(sa_type=LargeBinary)
    data_key_id: int = Field(sa_type=Integer)
    deliveries: int
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
